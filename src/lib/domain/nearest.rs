//! "Did you mean": the nearest of the known words.

/// The known word that `typed` was most likely meant to be: at most one mistake in three characters.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let wanted = plain(typed);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (distance(&wanted, &plain(word)), word))
        .filter(|(mistakes, _)| *mistakes <= allowed)
        // Of equally near words the one that begins in the same way: few people err in the first letters.
        .min_by_key(|(mistakes, word)| {
            (*mistakes, usize::MAX - common_start(&wanted, &plain(word)))
        })
        .map(|(_, word)| word)
}

fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &str, b: &str) -> usize {
    // Long words are no typing errors of setting names, and the table is quadratic.
    const LONGEST: usize = 64;
    let a: Vec<char> = a.chars().take(LONGEST).collect();
    let b: Vec<char> = b.chars().take(LONGEST).collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word_and_nonsense_finds_none() {
        let known = ["autonomy", "attempts", "back_off", "back_off_cap"];
        assert_eq!(nearest("autonmy", known), Some("autonomy"));
        assert_eq!(nearest("attepmts", known), Some("attempts"));
        assert_eq!(nearest("back-off", known), Some("back_off"));
        assert_eq!(nearest("Autonomy", known), Some("autonomy"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("proces", ["probes", "process"]), Some("process"));
    }

    #[test]
    fn a_swap_is_one_mistake() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
