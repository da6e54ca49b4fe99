//! What is left out so that a page fits. Parts go from the bottom: the chart, rules, packets, what needs
//! attention, rows of less risk. It knows no Markdown.

/// How much of each part is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// The chart: 1 or 0.
    pub chart: usize,
    /// Lines of rules.
    pub rules: usize,
    /// Packets.
    pub packets: usize,
    /// Points that need attention.
    pub attention: usize,
    /// Rows that may be left out.
    pub rows: usize,
}

/// The order in which parts go.
const ORDER: [fn(&mut Share) -> &mut usize; 5] = [
    |share| &mut share.chart,
    |share| &mut share.rules,
    |share| &mut share.packets,
    |share| &mut share.attention,
    |share| &mut share.rows,
];

/// The largest page that fits, with its share, or the smallest there is. `page` makes a page of a share.
pub(super) fn fit(all: Share, most: usize, page: &dyn Fn(&Share) -> String) -> (String, Share) {
    let whole = page(&all);
    if whole.len() <= most {
        return (whole, all);
    }
    let mut share = all;
    let mut smallest = whole;
    for part in ORDER {
        let had = *part(&mut share);
        if had == 0 {
            continue;
        }
        *part(&mut share) = 0;
        smallest = page(&share);
        if smallest.len() > most {
            continue;
        }
        // As much of this part as fits: `fits` always does, `over` never.
        let (mut fits, mut over) = (0, had);
        while over - fits > 1 {
            let middle = fits + (over - fits) / 2;
            *part(&mut share) = middle;
            let tried = page(&share);
            if tried.len() <= most {
                fits = middle;
                smallest = tried;
            } else {
                over = middle;
            }
        }
        *part(&mut share) = fits;
        return (smallest, share);
    }
    (smallest, share)
}
