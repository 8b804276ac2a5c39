//! Disjoint sets of numbers: union-find (Galler and Fischer, 1964) with path halving.

/// The numbers from 0 to `n`, each in a set of its own at first.
pub(crate) struct UnionFind {
    parents: Vec<usize>,
}

impl UnionFind {
    /// `n` sets of one number each.
    pub(crate) fn new(n: usize) -> Self {
        UnionFind { parents: (0..n).collect() }
    }

    /// The lowest number of the set of `i`.
    pub(crate) fn find(&mut self, mut i: usize) -> usize {
        while self.parents[i] != i {
            self.parents[i] = self.parents[self.parents[i]];
            i = self.parents[i];
        }
        i
    }

    /// Joins the sets of `a` and `b`; false if they were one already.
    pub(crate) fn union(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b);
        a != b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_number_stands_for_its_set() {
        let mut sets = UnionFind::new(5);
        assert!(sets.union(4, 2) && sets.union(2, 3));
        assert!(!sets.union(3, 4));
        assert_eq!([0, 1, 2, 3, 4].map(|i| sets.find(i)), [0, 1, 2, 2, 2]);
        assert!(sets.union(1, 4));
        assert_eq!([0, 1, 2, 3, 4].map(|i| sets.find(i)), [0, 1, 1, 1, 1]);
    }
}
