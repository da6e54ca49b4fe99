//! Numbers and names that outlive a change. Priorities are given here, and only here; what a number
//! means to Azure is the rooms' knowledge.

pub mod collections;
pub mod lock;
pub mod names;
pub mod numbers;
mod slots;
pub mod window;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use slots::Band;

/// One rule (or group) that needs a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it is called for ever: `instance::group::label` and an expansion key. Unique in its
    /// scope; of several requests with one id the first counts.
    pub id: String,
    /// The numbers it may have, both ends included.
    pub band: (u32, u32),
    /// The number the source asks for.
    pub pin: Option<u32>,
}

/// The numbers of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// The number of each id; an id with an error has none.
    pub numbers: BTreeMap<String, u32>,
    /// What could not be done, sorted by id.
    pub errors: Vec<AllocError>,
    /// Ids whose number is another one than before, sorted by id.
    pub moved: Vec<Moved>,
}

/// An id whose number changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The id.
    pub id: String,
    /// The number it had.
    pub from: u32,
    /// The number it has.
    pub to: u32,
    /// Why.
    pub reason: MoveReason,
}

/// Why a number changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveReason {
    /// The source asks for another one.
    Pin,
    /// The old one is outside the band: the rule's tier, or the bands, changed.
    Band,
    /// The old one is reserved, pinned by another rule, or remembered for two (after a merge).
    Clash,
    /// Its place in an ordered group changed.
    Order,
    /// It made room for others in an ordered group.
    Window,
}

impl MoveReason {
    /// The reason as a clause.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Pin => "it is pinned",
            Self::Band => "its tier or the bands changed",
            Self::Clash => "the old number is reserved, or pinned by another",
            Self::Order => "its place in the ordered group changed",
            Self::Window => "it made room in the ordered group",
        }
    }
}

/// Why an id has no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocError {
    /// The id.
    pub id: String,
    /// What is wrong.
    pub kind: AllocErrorKind,
    /// A few free numbers of the band, the nearest to the pin first; none in a full band.
    pub free: Vec<u32>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllocErrorKind {
    /// Every number of the band is in use.
    BandFull,
    /// The pinned number belongs to another pin, or is reserved.
    PinTaken {
        /// The id that has it; `None` if it is reserved.
        holder: Option<String>,
    },
    /// The pinned number is outside the band.
    PinOutside,
}

/// How many free numbers an error offers.
const OFFERED: usize = 5;

/// Gives every request a number of its band, unique in the scope.
///
/// `previous` is what each id had before (empty at first; later read from the lock). A number that
/// is still possible is kept. The result depends on the sets alone, not on the order of requests:
/// a new id starts looking at a place its own hash gives, first among multiples of `stride`. A
/// number that an id gives up is not given to another one in the same change unless the band has
/// nothing else, because a deployer may create before it deletes.
#[must_use]
pub fn allocate(
    requests: &[Request],
    reserved: &[(u32, u32)],
    stride: u32,
    previous: &BTreeMap<String, u32>,
) -> Allocation {
    allocate_near(requests, reserved, stride, previous, &BTreeMap::new())
}

/// The same, where a new id first tries the numbers that `hints` has for it: those that it has in
/// other environments.
#[must_use]
pub fn allocate_near(
    requests: &[Request],
    reserved: &[(u32, u32)],
    stride: u32,
    previous: &BTreeMap<String, u32>,
    hints: &BTreeMap<String, Vec<u32>>,
) -> Allocation {
    let mut wanted: BTreeMap<&str, &Request> = BTreeMap::new();
    for request in requests {
        wanted.entry(&request.id).or_insert(request);
    }
    let mut scope = Scope {
        reserved,
        stride,
        used: BTreeMap::new(),
    };
    let mut failed: Vec<(&Request, AllocErrorKind)> = Vec::new();

    let mut unpinned: Vec<&Request> = Vec::new();
    for request in wanted.values().copied() {
        match request.pin {
            None => unpinned.push(request),
            Some(pin) => {
                if let Err(kind) = scope.pin(request, pin) {
                    failed.push((request, kind));
                }
            }
        }
    }

    let (kept, mut rest): (Vec<&Request>, Vec<&Request>) = unpinned
        .into_iter()
        .partition(|request| previous.contains_key(&request.id));
    // If two remember one number (a merge of two branches), the smaller hash keeps it, so that
    // every reader of the merged lock decides alike.
    let mut kept: Vec<(u64, &Request)> = kept
        .into_iter()
        .map(|request| (start_of(&request.id), request))
        .collect();
    kept.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    for (_, request) in kept {
        match previous.get(&request.id) {
            Some(&number) if scope.may_have(request, number) => scope.take(request, number),
            _ => rest.push(request),
        }
    }

    // Everything remembered that was not kept is quarantined for this change.
    let freed: BTreeSet<u32> = previous
        .iter()
        .filter(|(id, number)| scope.used.get(number) != Some(id))
        .map(|(_, number)| *number)
        .collect();
    rest.sort_by(|a, b| a.id.cmp(&b.id));
    // Hints before searches, so that a search does not take what another id has elsewhere.
    rest.retain(|request| {
        let hinted = hints.get(&request.id).into_iter().flatten().copied();
        let mut possible = hinted.filter(|number| !freed.contains(number));
        let found = possible.find(|number| scope.may_have(request, *number));
        if let Some(number) = found {
            scope.take(request, number);
        }
        found.is_none()
    });
    for request in rest {
        match scope.search(request, &freed) {
            Some(number) => scope.take(request, number),
            None => failed.push((request, AllocErrorKind::BandFull)),
        }
    }
    scope.finish(failed, &wanted, previous)
}

/// The id of an envelope: rules that are merged have no label, so what they merge names them.
#[must_use]
pub fn envelope_id(merged: &str) -> String {
    format!("envelope/{:016x}", start_of(merged))
}

/// The first eight bytes of the SHA-256 of an id, big-endian.
fn start_of(id: &str) -> u64 {
    Sha256::digest(id.as_bytes())
        .iter()
        .take(8)
        .fold(0, |start, byte| (start << 8) | u64::from(*byte))
}

/// The numbers of a scope while they are given.
struct Scope<'a> {
    reserved: &'a [(u32, u32)],
    stride: u32,
    used: BTreeMap<u32, String>,
}

impl Scope<'_> {
    fn is_free(&self, number: u32) -> bool {
        !self.used.contains_key(&number)
            && !self
                .reserved
                .iter()
                .any(|&(first, last)| (first..=last).contains(&number))
    }

    fn may_have(&self, request: &Request, number: u32) -> bool {
        Band::from(request.band).contains(number) && self.is_free(number)
    }

    fn take(&mut self, request: &Request, number: u32) {
        self.used.insert(number, request.id.clone());
    }

    fn pin(&mut self, request: &Request, pin: u32) -> Result<(), AllocErrorKind> {
        if !Band::from(request.band).contains(pin) {
            return Err(AllocErrorKind::PinOutside);
        }
        if !self.is_free(pin) {
            let holder = self.used.get(&pin).cloned();
            return Err(AllocErrorKind::PinTaken { holder });
        }
        self.take(request, pin);
        Ok(())
    }

    /// Round numbers before others, and freed numbers only when nothing else is left.
    fn search(&self, request: &Request, freed: &BTreeSet<u32>) -> Option<u32> {
        let band = Band::from(request.band);
        let start = start_of(&request.id);
        let quarantines: [Option<&BTreeSet<u32>>; 2] = [Some(freed), None];
        quarantines.into_iter().find_map(|quarantine| {
            [self.stride, 1].into_iter().find_map(|step| {
                band.slots_from(step, start).find(|number| {
                    self.is_free(*number) && !quarantine.is_some_and(|set| set.contains(number))
                })
            })
        })
    }

    fn finish(
        self,
        failed: Vec<(&Request, AllocErrorKind)>,
        wanted: &BTreeMap<&str, &Request>,
        previous: &BTreeMap<String, u32>,
    ) -> Allocation {
        let mut errors: Vec<AllocError> = failed
            .into_iter()
            .map(|(request, kind)| AllocError {
                id: request.id.clone(),
                free: self.free_near(request),
                kind,
            })
            .collect();
        errors.sort_by(|a, b| a.id.cmp(&b.id));
        let numbers: BTreeMap<String, u32> = self
            .used
            .into_iter()
            .map(|(number, id)| (id, number))
            .collect();
        let moved = numbers
            .iter()
            .filter_map(|(id, &to)| {
                let &from = previous.get(id).filter(|&&from| from != to)?;
                let request = wanted.get(id.as_str())?;
                let reason = if request.pin.is_some() {
                    MoveReason::Pin
                } else if Band::from(request.band).contains(from) {
                    MoveReason::Clash
                } else {
                    MoveReason::Band
                };
                Some(Moved {
                    id: id.clone(),
                    from,
                    to,
                    reason,
                })
            })
            .collect();
        Allocation {
            numbers,
            errors,
            moved,
        }
    }

    fn free_near(&self, request: &Request) -> Vec<u32> {
        let band = Band::from(request.band);
        let mut free: Vec<u32> = band
            .slots_from(1, 0)
            .filter(|number| self.is_free(*number))
            .collect();
        if let Some(pin) = request.pin {
            free.sort_by_key(|number| (number.abs_diff(pin), *number));
        }
        free.truncate(OFFERED);
        free
    }
}
