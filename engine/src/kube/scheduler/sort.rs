//! Sorting as Go's `sort.Slice` does it, comparison by comparison.
//!
//! With a proper order any sort gives the same result up to equals; but preemption compares pods that have not started
//! by the moment each is asked about, so that of two such the first asked is always the earlier. What comes out then
//! hangs on which pairs are compared, and which way round. Source: the description of pattern-defeating quicksort
//! (arXiv 2106.05123) with the choices of Go's `sort` package: insertion up to 12 elements, ninther from 50, heap sort
//! after as many bad pivots as the length has bits.

const INSERTION_MAX: usize = 12;
const MEDIAN_MIN: usize = 8;
const NINTHER_MIN: usize = 50;
/// Exchanges in the choice of a pivot that mean: the slice runs backwards.
const EXCHANGES_MAX: usize = 12;
/// Pairs out of order that are mended in a slice that looks sorted.
const MENDS_MAX: usize = 5;

/// What the choice of the pivot said about the slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Sorted,
    Backwards,
    Mixed,
}

struct Sorter<'a, T> {
    items: &'a mut [T],
    less: &'a dyn Fn(&T, &T) -> bool,
}

/// Sorts by `less(a, b)`: a comes before b. It need not be an order.
pub fn sort_slice<T>(items: &mut [T], less: &dyn Fn(&T, &T) -> bool) {
    let bits = usize::BITS - items.len().leading_zeros();
    let end = items.len();
    Sorter { items, less }.quick(0, end, bits);
}

impl<T> Sorter<'_, T> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    /// Quicksort of `from..to`, the shorter side first; `bad_left` unbalanced pivots are borne.
    fn quick(&mut self, mut from: usize, mut to: usize, mut bad_left: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        loop {
            let length = to - from;
            if length <= INSERTION_MAX {
                return self.insertion(from, to);
            }
            if bad_left == 0 {
                return self.heap(from, to);
            }
            if !balanced {
                self.scatter(from, to);
                bad_left -= 1;
            }
            let (mut pivot, mut looks) = self.pivot(from, to);
            if looks == Looks::Backwards {
                self.items[from..to].reverse();
                pivot = (to - 1) - (pivot - from);
                looks = Looks::Sorted;
            }
            if balanced && partitioned && looks == Looks::Sorted && self.mend(from, to) {
                return;
            }
            if from > 0 && !self.less(from - 1, pivot) {
                from = self.split_equals(from, to, pivot);
                continue;
            }
            let (middle, untouched) = self.split(from, to, pivot);
            partitioned = untouched;
            let (left, right) = (middle - from, to - middle);
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.quick(from, middle, bad_left);
                from = middle + 1;
            } else {
                self.quick(middle + 1, to, bad_left);
                to = middle;
            }
        }
    }

    fn insertion(&mut self, from: usize, to: usize) {
        for start in from + 1..to {
            let mut at = start;
            while at > from && self.less(at, at - 1) {
                self.items.swap(at, at - 1);
                at -= 1;
            }
        }
    }

    fn heap(&mut self, from: usize, to: usize) {
        let length = to - from;
        for root in (0..=(length - 1) / 2).rev() {
            self.sift_down(root, length, from);
        }
        for last in (0..length).rev() {
            self.items.swap(from, from + last);
            self.sift_down(0, last, from);
        }
    }

    fn sift_down(&mut self, mut root: usize, length: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Moves what is less than the pivot before it; gives its place, and whether all stood right already.
    fn split(&mut self, from: usize, to: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(from, pivot);
        let (mut low, mut high) = (from + 1, to - 1);
        let mut untouched = true;
        loop {
            while low <= high && self.less(low, from) {
                low += 1;
            }
            while low <= high && !self.less(high, from) {
                high -= 1;
            }
            if low > high {
                break;
            }
            self.items.swap(low, high);
            untouched = false;
            low += 1;
            high -= 1;
        }
        self.items.swap(high, from);
        (high, untouched)
    }

    /// Moves what equals the pivot to the front, where nothing is less; gives the place after it.
    fn split_equals(&mut self, from: usize, to: usize, pivot: usize) -> usize {
        self.items.swap(from, pivot);
        let (mut low, mut high) = (from + 1, to - 1);
        loop {
            while low <= high && !self.less(from, low) {
                low += 1;
            }
            while low <= high && self.less(from, high) {
                high -= 1;
            }
            if low > high {
                return low;
            }
            self.items.swap(low, high);
            low += 1;
            high -= 1;
        }
    }

    /// Mends a few pairs of a slice that looks sorted; true when it is. A short one is only looked at.
    fn mend(&mut self, from: usize, to: usize) -> bool {
        let mut at = from + 1;
        for _ in 0..MENDS_MAX {
            while at < to && !self.less(at, at - 1) {
                at += 1;
            }
            if at == to {
                return true;
            }
            if to - from < NINTHER_MIN {
                return false;
            }
            self.items.swap(at, at - 1);
            if at - from >= 2 {
                let mut back = at - 1;
                while back >= 1 && self.less(back, back - 1) {
                    self.items.swap(back, back - 1);
                    back -= 1;
                }
            }
            if to - at >= 2 {
                let mut on = at + 1;
                while on < to && self.less(on, on - 1) {
                    self.items.swap(on, on - 1);
                    on += 1;
                }
            }
        }
        false
    }

    /// Exchanges three elements around the middle with others, drawn from the length, to break up a pattern.
    fn scatter(&mut self, from: usize, to: usize) {
        let length = to - from;
        let mut random = length as u64;
        let mask = (1u64 << (usize::BITS - length.leading_zeros())) - 1;
        let middle = from + length / 4 * 2;
        for at in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let other = (random & mask) as usize;
            self.items.swap(at, from + if other >= length { other - length } else { other });
        }
    }

    /// Median of three, of three medians in a long slice; the number of exchanges tells what the slice looks like.
    fn pivot(&self, from: usize, to: usize) -> (usize, Looks) {
        let length = to - from;
        let mut exchanges = 0;
        let quarter = |n: usize| from + length / 4 * n;
        let (mut low, mut middle, mut high) = (quarter(1), quarter(2), quarter(3));
        if length >= MEDIAN_MIN {
            if length >= NINTHER_MIN {
                for place in [&mut low, &mut middle, &mut high] {
                    *place = self.median(*place - 1, *place, *place + 1, &mut exchanges);
                }
            }
            middle = self.median(low, middle, high, &mut exchanges);
        }
        let looks = match exchanges {
            0 => Looks::Sorted,
            EXCHANGES_MAX => Looks::Backwards,
            _ => Looks::Mixed,
        };
        (middle, looks)
    }

    fn median(&self, mut a: usize, mut b: usize, mut c: usize, exchanges: &mut usize) -> usize {
        let mut order = |low: &mut usize, high: &mut usize| {
            if self.less(*high, *low) {
                std::mem::swap(low, high);
                *exchanges += 1;
            }
        };
        order(&mut a, &mut b);
        order(&mut b, &mut c);
        order(&mut a, &mut b);
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a multiplicative generator.
    fn numbers(length: usize, below: u64) -> Vec<u64> {
        let mut seed = 12_345u64;
        let next = |_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn whatever_the_shape_it_sorts() {
        let rising: Vec<u64> = (0..500).collect();
        let organ: Vec<u64> = (0..250).chain((0..250).rev()).collect();
        let falling: Vec<u64> = rising.iter().rev().copied().collect();
        let shapes = [rising, organ, falling, vec![7; 300], numbers(1000, 10), numbers(777, 1 << 30), numbers(13, 5)];
        for mut shape in shapes {
            let mut sorted = shape.clone();
            sorted.sort_unstable();
            sort_slice(&mut shape, &|a, b| a < b);
            assert_eq!(shape, sorted);
        }
    }

    #[test]
    fn heap_sort_sorts() {
        let mut found = numbers(100, 40);
        let mut sorted = found.clone();
        sorted.sort_unstable();
        let less: &dyn Fn(&u64, &u64) -> bool = &|a, b| a < b;
        Sorter { items: &mut found, less }.heap(0, 100);
        assert_eq!(found, sorted);
    }
}
