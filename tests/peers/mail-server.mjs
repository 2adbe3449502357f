// A real mail server for the tests, and two independent readers of what it gets. Started with one argument in JSON;
// prints its port, and then one line in JSON for each mail. Ends when its standard input ends.

import { createRequire } from "node:module";

const settings = JSON.parse(process.argv[2]);
const require = createRequire(settings.peers + "/");
const { SMTPServer } = require("smtp-server");
const { simpleParser } = require("mailparser");
const PostalMime = require("postal-mime").default ?? require("postal-mime");

const print = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const no = (code, text) => Object.assign(new Error(text ?? "no"), { responseCode: code });
// A behaviour is "accept", "hang", "reset", or a code with which it is refused.
const behave = (behaviour, session, accept, callback) => {
    if (behaviour === undefined || behaviour === "accept") return accept();
    if (behaviour === "hang") return undefined;
    if (behaviour === "reset") {
        const own = [...server.connections].find((connection) => connection.session.id === session.id);
        return own._socket.destroy();
    }
    return callback(no(behaviour, settings.words));
};

const server = new SMTPServer({
    secure: settings.wrapper ?? false,
    key: settings.key,
    cert: settings.certificate,
    name: "mail.example.test",
    authOptional: settings.user === undefined,
    authMethods: settings.methods ?? ["PLAIN", "LOGIN"],
    disabledCommands: settings.withoutStartTls ? ["STARTTLS"] : [],
    disableReverseLookup: true,
    closeTimeout: 1000,
    onConnect: (session, callback) => behave(settings.connect, session, () => callback(), callback),
    onAuth(auth, session, callback) {
        const right = auth.username === settings.user && auth.password === settings.password;
        const accept = () => (right ? callback(null, { user: auth.username }) : callback(no(535, settings.words)));
        print({ login: auth.method, secure: session.secure });
        behave(settings.auth, session, accept, callback);
    },
    onMailFrom: (address, session, callback) => behave(settings.from, session, () => callback(), callback),
    onRcptTo: (address, session, callback) =>
        behave((settings.to ?? {})[address.address], session, () => callback(), callback),
    onData(stream, session, callback) {
        const parts = [];
        stream.on("data", (part) => parts.push(part));
        stream.on("end", async () => {
            const raw = Buffer.concat(parts);
            await report(raw, session);
            behave(settings.data, session, () => callback(null, "taken"), callback);
        });
    },
});
server.on("error", (error) => print({ error: error.code ?? String(error) }));

async function report(raw, session) {
    const one = await simpleParser(raw, { skipTextToHtml: true, skipHtmlToText: true });
    const other = await PostalMime.parse(raw);
    const list = (value) => (Array.isArray(value) ? value : (value ?? "").split(/\s+/)).filter((id) => id !== "");
    print({
        mail: {
            secure: session.secure,
            hello: session.hostNameAppearsAs,
            user: session.user ?? null,
            from: session.envelope.mailFrom.address,
            to: session.envelope.rcptTo.map((to) => to.address),
            raw: raw.toString("latin1"),
            readings: [
                {
                    reader: "mailparser",
                    subject: one.subject,
                    text: one.text,
                    html: one.html,
                    id: one.messageId,
                    inReplyTo: one.inReplyTo ?? null,
                    references: list(one.references),
                    headers: one.headerLines.map((header) => header.key),
                    autoSubmitted: one.headers.get("auto-submitted"),
                    suppress: one.headers.get("x-auto-response-suppress"),
                },
                {
                    reader: "postal-mime",
                    subject: other.subject,
                    text: other.text,
                    html: other.html,
                    id: other.messageId,
                    inReplyTo: other.inReplyTo ?? null,
                    references: list(other.references),
                    headers: other.headers.map((header) => header.key),
                    autoSubmitted: other.headers.find((header) => header.key === "auto-submitted")?.value,
                    suppress: other.headers.find((header) => header.key === "x-auto-response-suppress")?.value,
                },
            ],
        },
    });
}

server.listen(0, "127.0.0.1", () => print({ port: server.server.address().port }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
