//! The arithmetic of a Deployment's rollout, apart from any store: how many pods above and below the wanted number are
//! allowed, and which ReplicaSet gets how many replicas next.
//!
//! Source: Kubernetes 1.34 `pkg/controller/deployment` (`rolling.go`, `sync.go`, `util/deployment_util.go`).
//! Leaves out nothing of that arithmetic; what becomes of its answers is in `deployment.rs`.

use serde_json::Value;

use crate::object;

/// What a Deployment's strategy allows, with percentages already resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub desired: i64,
    pub max_surge: i64,
    pub max_unavailable: i64,
    pub rolling: bool,
}

/// What the arithmetic needs to know of one ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// `spec.replicas`
    pub replicas: i64,
    /// `status.availableReplicas`
    pub available: i64,
    /// The annotation `deployment.kubernetes.io/max-replicas`: replicas and surge of the Deployment when this set was last scaled.
    pub max_replicas: Option<i64>,
}

/// The limits of a Deployment as the API server stored it.
pub fn limits(deployment: &Value) -> Limits {
    let desired = object::int_at(deployment, "spec.replicas").unwrap_or(1);
    let rolling = object::str_at(deployment, "spec.strategy.type") == "RollingUpdate";
    let (mut max_surge, mut max_unavailable) = (0, 0);
    if rolling {
        (max_surge, max_unavailable) = resolve_fenceposts(
            object::field(deployment, "spec.strategy.rollingUpdate.maxSurge"),
            object::field(deployment, "spec.strategy.rollingUpdate.maxUnavailable"),
            desired,
        );
        max_unavailable = if desired == 0 { 0 } else { max_unavailable.min(desired) };
    }
    Limits { desired, max_surge, max_unavailable, rolling }
}

/// maxSurge rounds up and maxUnavailable down; when both come to nothing one pod may be missing, or no rollout could ever move.
pub fn resolve_fenceposts(max_surge: &Value, max_unavailable: &Value, desired: i64) -> (i64, i64) {
    let surge = scaled(max_surge, desired, true);
    let unavailable = scaled(max_unavailable, desired, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number, or a percentage of `total` rounded as asked. Anything else counts as 0: validation refused it before.
pub fn scaled(value: &Value, total: i64, round_up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    let product = percent.unwrap_or(0).saturating_mul(total);
    if round_up { (product + 99).div_euclid(100) } else { product.div_euclid(100) }
}

/// How many replicas the new ReplicaSet should have now (`NewRSNewReplicas`); `total` counts all sets, the new one included.
pub fn new_replicas(limits: &Limits, total: i64, new: i64) -> i64 {
    if !limits.rolling {
        return limits.desired;
    }
    let most = limits.desired + limits.max_surge;
    if total >= most {
        return new;
    }
    new + (most - total).min(limits.desired - new)
}

/// How far the old ReplicaSets (oldest first) may shrink now: (index, new size), in the order of the steps. Replicas that are
/// not available go first, since their going costs nothing; a set may appear twice.
pub fn shrink_old(limits: &Limits, old: &[Size], new: Size) -> Vec<(usize, i64)> {
    let mut sizes: Vec<Size> = old.to_vec();
    let mut steps = Vec::new();
    let least = limits.desired - limits.max_unavailable;
    let total: i64 = sizes.iter().map(|size| size.replicas).sum::<i64>() + new.replicas;
    if sizes.iter().all(|size| size.replicas == 0) {
        return steps;
    }
    let mut budget = total - least - (new.replicas - new.available);
    if budget <= 0 {
        return steps;
    }
    for (index, size) in sizes.iter_mut().enumerate() {
        if budget <= 0 {
            break;
        }
        let count = budget.min(size.replicas - size.available);
        if count < 0 && size.replicas > 0 {
            // A set that just shrank still reports pods that are on their way out: the real controller gives up here and
            // waits for the next change.
            return steps;
        }
        if size.replicas == 0 || count == 0 {
            continue;
        }
        budget -= count;
        size.replicas -= count;
        steps.push((index, size.replicas));
    }
    let available: i64 = sizes.iter().map(|size| size.available).sum::<i64>() + new.available;
    let mut budget = available - least;
    for (index, size) in sizes.iter_mut().enumerate() {
        if budget <= 0 {
            break;
        }
        if size.replicas == 0 {
            continue;
        }
        let count = budget.min(size.replicas);
        budget -= count;
        size.replicas -= count;
        steps.push((index, size.replicas));
    }
    steps
}

/// Spreads a change of the Deployment's size over all its active ReplicaSets, in proportion to their sizes. `sets` stand in
/// the order in which they are served (`by_size`); the first one takes what rounding leaves over.
pub fn proportional(limits: &Limits, status_replicas: i64, sets: &[Size]) -> Vec<i64> {
    let mut sizes: Vec<i64> = sets.iter().map(|set| set.replicas).collect();
    let to_add = to_add(limits, sets);
    if to_add == 0 {
        return sizes;
    }
    let mut added = 0;
    for (size, set) in sizes.iter_mut().zip(sets) {
        let share = proportion(limits, status_replicas, set, to_add, added);
        *size += share;
        added += share;
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sizes
}

/// Replicas to add to (or, negative, to take from) all sets together; also says in which order they are served.
pub fn to_add(limits: &Limits, sets: &[Size]) -> i64 {
    let allowed = if limits.desired > 0 { limits.desired + limits.max_surge } else { 0 };
    allowed - sets.iter().map(|set| set.replicas).sum::<i64>()
}

fn proportion(limits: &Limits, status_replicas: i64, set: &Size, to_add: i64, added: i64) -> i64 {
    if set.replicas == 0 || to_add == added {
        return 0;
    }
    let fraction = fraction(limits, status_replicas, set);
    let allowed = to_add - added;
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn fraction(limits: &Limits, status_replicas: i64, set: &Size) -> i64 {
    if limits.desired == 0 {
        return -set.replicas;
    }
    let before = set.max_replicas.filter(|count| *count > 0).unwrap_or(status_replicas);
    if before == 0 {
        return 0;
    }
    let now = set.replicas * (limits.desired + limits.max_surge);
    // Half away from zero, as Go's rounding does; all numbers here are positive.
    let rounded = (2 * now + before).div_euclid(2 * before);
    rounded - set.replicas
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn size(replicas: i64, available: i64) -> Size {
        Size { replicas, available, max_replicas: None }
    }

    fn limits_of(desired: i64, surge: Value, unavailable: Value) -> Limits {
        limits(&json!({"spec": {"replicas": desired, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}}))
    }

    #[test]
    fn fenceposts() {
        for (desired, surge, unavailable, expected) in [
            (1, json!("25%"), json!("25%"), (1, 0)),
            (3, json!("25%"), json!("25%"), (1, 0)),
            (4, json!("25%"), json!("25%"), (1, 1)),
            (10, json!("25%"), json!("25%"), (3, 2)),
            (2, json!(0), json!("1%"), (0, 1)),
            (2, json!("1%"), json!(0), (1, 0)),
            (3, json!(0), json!(9), (0, 3)),
            (0, json!("25%"), json!(1), (0, 0)),
        ] {
            let limits = limits_of(desired, surge, unavailable);
            assert_eq!((limits.max_surge, limits.max_unavailable), expected, "{desired} replicas");
        }
    }

    #[test]
    fn the_new_set_grows_into_the_surge() {
        let limits = limits_of(10, json!(3), json!(2));
        assert_eq!(new_replicas(&limits, 10, 0), 3);
        assert_eq!(new_replicas(&limits, 13, 3), 3);
        assert_eq!(new_replicas(&limits, 4, 1), 10);
        assert_eq!(new_replicas(&Limits { rolling: false, ..limits }, 10, 0), 10);
    }

    #[test]
    fn unavailable_old_replicas_go_first() {
        let limits = limits_of(10, json!(3), json!(2));
        assert_eq!(shrink_old(&limits, &[size(10, 10)], size(3, 0)), vec![(0, 8)]);
        assert_eq!(shrink_old(&limits, &[size(8, 8)], size(5, 0)), vec![]);
        assert_eq!(shrink_old(&limits, &[size(8, 7)], size(5, 0)), vec![]);
        assert_eq!(shrink_old(&limits, &[size(8, 8), size(5, 0)], size(0, 0)), vec![(1, 0)]);
        assert_eq!(shrink_old(&limits, &[size(4, 2), size(4, 4)], size(5, 5)), vec![(0, 2), (0, 0), (1, 3)]);
    }

    #[test]
    fn scaling_keeps_proportions() {
        let with = |replicas, before| Size { replicas, available: replicas, max_replicas: Some(before) };
        // Half-way through a rollout of 10 (surge 3), scaled to 15 (surge 3): 18 pods for 13.
        let limits = limits_of(15, json!(3), json!(2));
        assert_eq!(proportional(&limits, 13, &[with(8, 13), with(5, 13)]), vec![11, 7]);
        let limits = limits_of(5, json!(3), json!(2));
        assert_eq!(proportional(&limits, 13, &[with(8, 13), with(5, 13)]), vec![5, 3]);
        let limits = limits_of(0, json!(3), json!(2));
        assert_eq!(proportional(&limits, 13, &[with(8, 13), with(5, 13)]), vec![0, 0]);
        let limits = limits_of(10, json!(3), json!(2));
        assert_eq!(proportional(&limits, 13, &[with(8, 13), with(5, 13)]), vec![8, 5]);
    }
}
