//! Trust as a type with one door.

/// A value that was established by the checks of this floor. It cannot be made anywhere else: the constructor is visible to
/// `trust` only, so whoever holds a `Verified<T>` holds the outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
}

impl<T> Verified<T> {
    /// The door. A text search for `Verified::established` finds every place where trust is granted.
    pub(in crate::trust) fn established(value: T) -> Self {
        Verified { value }
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// The value, given up.
    pub fn into_inner(self) -> T {
        self.value
    }
}
