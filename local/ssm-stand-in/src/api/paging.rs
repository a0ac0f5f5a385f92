//! Pages: a token is where the next page begins.

use super::error::ApiError;

/// One page and the token of the next.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

/// Cuts a page out of everything that was found.
pub(crate) fn page<T>(
    found: impl IntoIterator<Item = T>,
    size: Option<usize>,
    size_max: usize,
    token: Option<&str>,
) -> Result<Page<T>, ApiError> {
    let size = size.unwrap_or(size_max);
    if size == 0 || size > size_max {
        return Err(ApiError::validation(&format!(
            "Value '{size}' at 'maxResults' failed to satisfy constraint: Member must be between 1 and {size_max}"
        )));
    }
    let begin = match token {
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| ApiError::new("InvalidNextToken", "The specified token is not valid."))?,
        None => 0,
    };
    let mut rest = found.into_iter().skip(begin);
    let items: Vec<T> = rest.by_ref().take(size).collect();
    let next_token = rest.next().map(|_| begin.saturating_add(size).to_string());
    Ok(Page { items, next_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_the_last_has_no_token() {
        let first = page(1..=5, Some(3), 50, None).unwrap();
        assert_eq!(
            (first.items, first.next_token.as_deref()),
            (vec![1, 2, 3], Some("3"))
        );
        let last = page(1..=5, Some(3), 50, Some("3")).unwrap();
        assert_eq!((last.items, last.next_token), (vec![4, 5], None));
    }

    #[test]
    fn a_broken_token_and_an_oversized_page_are_refused() {
        assert_eq!(
            page(1..=5, None, 50, Some("x")).unwrap_err().code,
            "InvalidNextToken"
        );
        assert_eq!(
            page(1..=5, Some(51), 50, None).unwrap_err().code,
            "ValidationException"
        );
    }
}
