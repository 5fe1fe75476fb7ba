//! The lines of two texts that are different, in the form of `diff -u`.

/// Largest document whose lines are compared, in bytes.
pub const MAX_UNIFIED: u64 = 8 << 20;
/// Lines that may be different until all between the first and the last of them is shown as replaced. The search takes the
/// square of it in memory: 2000 steps are 32 MB.
pub const MAX_STEPS: usize = 2000;
/// Lines that are the same and shown around those that are not.
const CONTEXT: usize = 3;

/// A line of either text. The bytes are untrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// In both.
    Same(&'a [u8]),
    /// Only in the old text.
    Old(&'a [u8]),
    /// Only in the new text.
    New(&'a [u8]),
}

/// Lines that are different, and a few around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// Number of the first line in the old text, from 1.
    pub old: usize,
    /// Number of the first line in the new text, from 1.
    pub new: usize,
    /// The lines.
    pub lines: Vec<Line<'a>>,
}

impl Hunk<'_> {
    /// How many lines of the old text it shows, and how many of the new.
    pub fn counts(&self) -> (usize, usize) {
        let new = self.lines.iter().filter(|line| matches!(line, Line::New(_))).count();
        let old = self.lines.iter().filter(|line| matches!(line, Line::Old(_))).count();
        (self.lines.len() - new, self.lines.len() - old)
    }
}

/// The hunks between two untrusted texts; none where they are the same.
pub fn hunks<'a>(old: &'a [u8], new: &'a [u8]) -> Vec<Hunk<'a>> {
    let (a, b) = (lines(old), lines(new));
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (&a[start..], &b[start..]);
    let end = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (mid_a, mid_b) = (&rest_a[..rest_a.len() - end], &rest_b[..rest_b.len() - end]);
    let mut script: Vec<Line<'a>> = a[..start].iter().map(|line| Line::Same(line)).collect();
    script.extend(middle(mid_a, mid_b));
    script.extend(rest_a[rest_a.len() - end..].iter().map(|line| Line::Same(line)));
    grouped(&script)
}

/// Lines with their line feeds: the last may lack it, and then is another line.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// The shortest way from one list to the other (Myers 1986), or all replaced where that takes too many steps.
fn middle<'a>(a: &[&'a [u8]], b: &[&'a [u8]]) -> Vec<Line<'a>> {
    let replaced = || a.iter().map(|line| Line::Old(line)).chain(b.iter().map(|line| Line::New(line))).collect();
    let Some(trace) = search(a, b) else { return replaced() };
    let (mut x, mut y) = (a.len() as isize, b.len() as isize);
    let mut back: Vec<Line<'a>> = Vec::new();
    for (depth, reached) in trace.iter().enumerate().rev() {
        let depth = depth as isize;
        let at = |diagonal: isize| reached[(diagonal + depth + 1) as usize];
        let from = comes_from(x - y, depth, &at);
        let (from_x, from_y) = (at(from), at(from) - from);
        while x > from_x && y > from_y {
            back.push(Line::Same(a[(x - 1) as usize]));
            (x, y) = (x - 1, y - 1);
        }
        if depth > 0 {
            back.push(if x == from_x { Line::New(b[from_y as usize]) } else { Line::Old(a[from_x as usize]) });
        }
        (x, y) = (from_x, from_y);
    }
    back.reverse();
    back
}

/// How far each diagonal was reached before each step, up to the step that reached the end.
fn search(a: &[&[u8]], b: &[&[u8]]) -> Option<Vec<Vec<isize>>> {
    let (n, m) = (a.len() as isize, b.len() as isize);
    let most = (n + m).min(MAX_STEPS as isize);
    let mut reached = vec![-1_isize; (2 * most + 3) as usize];
    let place = |diagonal: isize| (diagonal + most + 1) as usize;
    reached[place(1)] = 0;
    let mut trace = Vec::new();
    for depth in 0..=most {
        // Only the diagonals that this step can read.
        trace.push(reached[place(-depth - 1)..=place(depth + 1)].to_vec());
        for diagonal in (-depth..=depth).step_by(2) {
            let from = comes_from(diagonal, depth, &|diagonal| reached[place(diagonal)]);
            let mut x = reached[place(from)] + isize::from(from < diagonal);
            let mut y = x - diagonal;
            while x < n && y < m && a[x as usize] == b[y as usize] {
                (x, y) = (x + 1, y + 1);
            }
            reached[place(diagonal)] = x;
            if x >= n && y >= m {
                return Some(trace);
            }
        }
    }
    None
}

/// The diagonal from which a step reaches this one: that on which more of the old text was passed.
fn comes_from(diagonal: isize, depth: isize, reached: &dyn Fn(isize) -> isize) -> isize {
    let down = diagonal == -depth || (diagonal != depth && reached(diagonal - 1) < reached(diagonal + 1));
    if down { diagonal + 1 } else { diagonal - 1 }
}

fn grouped<'a>(script: &[Line<'a>]) -> Vec<Hunk<'a>> {
    let mut hunks: Vec<Hunk<'a>> = Vec::new();
    let different: Vec<usize> =
        script.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Same(_))).map(|(at, _)| at).collect();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for at in different {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(script.len()));
        match ranges.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    let (mut old, mut new, mut at) = (1, 1, 0);
    for (from, to) in ranges {
        for line in &script[at..from] {
            old += usize::from(!matches!(line, Line::New(_)));
            new += usize::from(!matches!(line, Line::Old(_)));
        }
        let hunk = Hunk { old, new, lines: script[from..to].to_vec() };
        let counts = hunk.counts();
        (old, new, at) = (old + counts.0, new + counts.1, to);
        hunks.push(hunk);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(old: &str, new: &str) -> String {
        let mut text = String::new();
        for hunk in hunks(old.as_bytes(), new.as_bytes()) {
            let (a, b) = hunk.counts();
            text.push_str(&format!("@@ -{},{a} +{},{b} @@\n", hunk.old, hunk.new));
            for line in &hunk.lines {
                let (sign, bytes) = match line {
                    Line::Same(bytes) => (' ', bytes),
                    Line::Old(bytes) => ('-', bytes),
                    Line::New(bytes) => ('+', bytes),
                };
                text.push_str(&format!("{sign}{}", String::from_utf8_lossy(bytes)));
            }
        }
        text
    }

    #[test]
    fn lines_around_a_change_are_shown() {
        assert_eq!(shown("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nX\nf\n"), "@@ -2,5 +2,5 @@\n b\n c\n d\n-e\n+X\n f\n");
        assert_eq!(shown("a\n", "a\n"), "");
        assert_eq!(shown("", "a\n"), "@@ -1,0 +1,1 @@\n+a\n");
        let (old, new) = ("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n");
        assert_eq!(shown(old, new), "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -6,4 +7,3 @@\n 6\n 7\n 8\n-9\n");
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_replaced() {
        let text = |from: usize| (from..from + MAX_STEPS).map(|n| format!("{n}\n")).collect::<String>();
        let (old, new) = (text(0), text(100_000));
        let hunks = hunks(old.as_bytes(), new.as_bytes());
        assert_eq!((hunks.len(), hunks[0].counts()), (1, (MAX_STEPS, MAX_STEPS)));
    }

    proptest! {
        #[test]
        fn the_script_leads_from_one_text_to_the_other(old in "([a-c]\n){0,12}", new in "([a-c]\n){0,12}") {
            let (a, b) = (lines(old.as_bytes()), lines(new.as_bytes()));
            let script = middle(&a, &b);
            let of = |wanted: fn(&Line<'_>) -> bool| -> Vec<u8> {
                let bytes = |line: &Line<'_>| match line { Line::Same(l) | Line::Old(l) | Line::New(l) => l.to_vec() };
                script.iter().filter(|line| wanted(line)).flat_map(bytes).collect()
            };
            prop_assert_eq!(of(|line| !matches!(line, Line::New(_))), old.as_bytes());
            prop_assert_eq!(of(|line| !matches!(line, Line::Old(_))), new.as_bytes());
        }
    }
}
