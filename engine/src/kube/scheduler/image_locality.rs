//! Score: nodes that already have the pod's images, large ones counting more, each scaled by the share of nodes that
//! have it. All nodes go by one size, that of the first which has the image. Source: `plugins/imagelocality`,
//! `backend/cache`.

use super::cluster::Cluster;
use super::node_info::NodeInfo;
use super::pod_info::PodInfo;

const MIB: i64 = 1024 * 1024;
const MIN_THRESHOLD: i64 = 23 * MIB;
const MAX_CONTAINER_THRESHOLD: i64 = 1000 * MIB;

pub fn score(cluster: &Cluster, pod: &PodInfo, node: &NodeInfo) -> i64 {
    let images = &node.spec.images;
    let mut sum = 0;
    if !images.is_empty() {
        for image in &pod.images {
            let name = normalised(image);
            if images.contains_key(&name) {
                let (size, nodes) = cluster.image(&name);
                let spread = nodes as f64 / cluster.len() as f64;
                sum += (size as f64 * spread) as i64;
            }
        }
    }
    let most = MAX_CONTAINER_THRESHOLD * pod.images.len() as i64;
    let sum = if sum < MIN_THRESHOLD { MIN_THRESHOLD } else { sum.min(most) };
    100 * (sum - MIN_THRESHOLD) / (most - MIN_THRESHOLD)
}

/// An image without a tag is looked for as `:latest`.
fn normalised(image: &str) -> String {
    if image.rfind(':') <= image.rfind('/') { format!("{image}:latest") } else { image.to_string() }
}
