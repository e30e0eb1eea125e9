//! Search patterns of the directory modules: `*` any run, `?` one character, no regard to case.

/// Whether `text` matches `pattern`. Without a wildcard the pattern is a prefix, as people type names.
///
/// Linear in text times the number of stars: a hostile pattern cannot make it slow.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut wanted: Vec<char> = pattern.to_lowercase().chars().collect();
    if !wanted.contains(&'*') && !wanted.contains(&'?') {
        wanted.push('*');
    }
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star has to swallow one more character.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match wanted.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&w) if w == '?' || w == c => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    wanted.get(p..).is_some_and(|rest| rest.iter().all(|&c| c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_mean_what_people_expect() {
        let check =
            |pattern, text, expected| assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        check("an", "Anna", true);
        check("na", "Anna", false);
        check("*na", "Anna", true);
        check("a??a", "anna", true);
        check("a?a", "anna", false);
        check("*", "", true);
        check("", "", true);
        check("?", "", false);
        check("ÄR*", "Ärzte", true);
        check("a*b*c", "aXXbYYc", true);
        check("a*b*c", "aXXbYY", false);
    }

    #[test]
    fn many_stars_stay_quick() {
        assert!(!matches(&"*a".repeat(100), &"b".repeat(10_000)));
    }
}
