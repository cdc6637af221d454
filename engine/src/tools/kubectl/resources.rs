//! Resource types as one writes them: `pods`, `po`, `Pod`, `deployment.apps`, `deployments.v1.apps`, `all`.
//!
//! Models the RESTMapper with its shortcut and category expanders, as kubectl's builder uses them
//! (`Builder.mappingFor`). A cluster serves more types than portlab has: those are known by name, so that
//! asking for one says that portlab does not model it, and only what no plain cluster has is refused in kubectl's words.

use super::failure::{Failure, Outcome};
use super::go_value::quote;
use crate::store::{Kind, KindInfo};

/// Types that a plain cluster of Kubernetes 1.34 serves and portlab does not: plural, singular, short names, group, kind.
pub const OTHER_TYPES: &[(&str, &str, &[&str], &str, &str)] = &[
    ("bindings", "binding", &[], "", "Binding"),
    ("componentstatuses", "componentstatus", &["cs"], "", "ComponentStatus"),
    ("limitranges", "limitrange", &["limits"], "", "LimitRange"),
    ("persistentvolumeclaims", "persistentvolumeclaim", &["pvc"], "", "PersistentVolumeClaim"),
    ("persistentvolumes", "persistentvolume", &["pv"], "", "PersistentVolume"),
    ("podtemplates", "podtemplate", &[], "", "PodTemplate"),
    ("replicationcontrollers", "replicationcontroller", &["rc"], "", "ReplicationController"),
    ("resourcequotas", "resourcequota", &["quota"], "", "ResourceQuota"),
    ("secrets", "secret", &[], "", "Secret"),
    ("statefulsets", "statefulset", &["sts"], "apps", "StatefulSet"),
    ("horizontalpodautoscalers", "horizontalpodautoscaler", &["hpa"], "autoscaling", "HorizontalPodAutoscaler"),
    ("cronjobs", "cronjob", &["cj"], "batch", "CronJob"),
    ("jobs", "job", &[], "batch", "Job"),
    (
        "certificatesigningrequests",
        "certificatesigningrequest",
        &["csr"],
        "certificates.k8s.io",
        "CertificateSigningRequest",
    ),
    ("leases", "lease", &[], "coordination.k8s.io", "Lease"),
    ("flowschemas", "flowschema", &[], "flowcontrol.apiserver.k8s.io", "FlowSchema"),
    (
        "prioritylevelconfigurations",
        "prioritylevelconfiguration",
        &[],
        "flowcontrol.apiserver.k8s.io",
        "PriorityLevelConfiguration",
    ),
    ("ingressclasses", "ingressclass", &[], "networking.k8s.io", "IngressClass"),
    ("ingresses", "ingress", &["ing"], "networking.k8s.io", "Ingress"),
    ("ipaddresses", "ipaddress", &["ip"], "networking.k8s.io", "IPAddress"),
    ("networkpolicies", "networkpolicy", &["netpol"], "networking.k8s.io", "NetworkPolicy"),
    ("servicecidrs", "servicecidr", &[], "networking.k8s.io", "ServiceCIDR"),
    ("runtimeclasses", "runtimeclass", &[], "node.k8s.io", "RuntimeClass"),
    ("poddisruptionbudgets", "poddisruptionbudget", &["pdb"], "policy", "PodDisruptionBudget"),
    ("clusterrolebindings", "clusterrolebinding", &[], "rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("clusterroles", "clusterrole", &[], "rbac.authorization.k8s.io", "ClusterRole"),
    ("rolebindings", "rolebinding", &[], "rbac.authorization.k8s.io", "RoleBinding"),
    ("roles", "role", &[], "rbac.authorization.k8s.io", "Role"),
    ("deviceclasses", "deviceclass", &[], "resource.k8s.io", "DeviceClass"),
    ("resourceclaims", "resourceclaim", &[], "resource.k8s.io", "ResourceClaim"),
    ("resourceclaimtemplates", "resourceclaimtemplate", &[], "resource.k8s.io", "ResourceClaimTemplate"),
    ("resourceslices", "resourceslice", &[], "resource.k8s.io", "ResourceSlice"),
    ("csidrivers", "csidriver", &[], "storage.k8s.io", "CSIDriver"),
    ("csinodes", "csinode", &[], "storage.k8s.io", "CSINode"),
    ("csistoragecapacities", "csistoragecapacity", &[], "storage.k8s.io", "CSIStorageCapacity"),
    ("storageclasses", "storageclass", &["sc"], "storage.k8s.io", "StorageClass"),
    ("volumeattachments", "volumeattachment", &[], "storage.k8s.io", "VolumeAttachment"),
    ("volumeattributesclasses", "volumeattributesclass", &["vac"], "storage.k8s.io", "VolumeAttributesClass"),
    (
        "mutatingwebhookconfigurations",
        "mutatingwebhookconfiguration",
        &[],
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    (
        "validatingadmissionpolicies",
        "validatingadmissionpolicy",
        &[],
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicy",
    ),
    (
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicybinding",
        &[],
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
    ),
    (
        "validatingwebhookconfigurations",
        "validatingwebhookconfiguration",
        &[],
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    (
        "customresourcedefinitions",
        "customresourcedefinition",
        &["crd", "crds"],
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
    ),
    ("apiservices", "apiservice", &[], "apiregistration.k8s.io", "APIService"),
    ("tokenreviews", "tokenreview", &[], "authentication.k8s.io", "TokenReview"),
];

/// What `all` stands for.
pub fn category_all() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.info().in_all)
}

/// `pods`, `deployments.apps`: the resource as the API server's messages name it.
pub fn qualified(kind: Kind) -> String {
    let info = kind.info();
    with_group(info.plural, info.group)
}

/// `pod/web`, `deployment.apps/web`: an object as most of kubectl's messages name it.
pub fn object_name(kind: Kind, name: &str) -> String {
    format!("{}/{name}", with_group(info_singular(kind), kind.info().group))
}

/// `deployment.apps`: as [`object_name`], without the name.
pub fn singular(kind: Kind) -> String {
    with_group(info_singular(kind), kind.info().group)
}

fn info_singular(kind: Kind) -> String {
    kind.info().kind.to_lowercase()
}

fn with_group(word: impl AsRef<str>, group: &str) -> String {
    let word = word.as_ref();
    if group.is_empty() { word.to_string() } else { format!("{word}.{group}") }
}

/// `v1`, `apps/v1`.
pub fn api_version(kind: Kind) -> String {
    let info = kind.info();
    if info.group.is_empty() { info.version.to_string() } else { format!("{}/{}", info.group, info.version) }
}

/// `/v1, Resource=pods`: how the machinery prints a resource with its version.
pub fn group_version_resource(kind: Kind) -> String {
    let info = kind.info();
    format!("{}/{}, Resource={}", info.group, info.version, info.plural)
}

/// The kind of a manifest by its apiVersion and kind.
pub fn kind_of(api_version_text: &str, kind: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.info().kind == kind && api_version(*k) == api_version_text)
}

/// Whether a plain cluster has this kind, though portlab has not.
pub fn is_other_kind(api_version_text: &str, kind: &str) -> bool {
    let group = api_version_text.split_once('/').map_or("", |(group, _)| group);
    OTHER_TYPES.iter().any(|(_, _, _, g, k)| *k == kind && *g == group)
}

/// The kind that a word on the command line means.
pub fn mapping_for(word: &str) -> Outcome<Kind> {
    let lower = word.to_lowercase();
    let parts: Vec<&str> = lower.splitn(3, '.').collect();
    let (resource, rest) = lower.split_once('.').unwrap_or((&lower, ""));
    let fully = match parts.as_slice() {
        [resource, version, group] => by_resource(resource, word, |i| i.version == *version && group_matches(i, group)),
        _ => None,
    };
    let found =
        fully.or_else(|| by_resource(resource, word, |info| group_matches(info, rest))).or_else(|| by_kind(word));
    if let Some(kind) = found {
        return Ok(kind);
    }
    let other = OTHER_TYPES.iter().find(|(plural, singular, short, group, kind)| {
        let named = *plural == resource || *singular == resource || short.contains(&resource) || *kind == word;
        named && (rest.is_empty() || group.starts_with(rest) || rest.ends_with(group))
    });
    if let Some((plural, ..)) = other {
        return Err(Failure::not_modelled(format!("the resource type {}", quote(plural))));
    }
    let asked = word.split('.').next().unwrap_or(word);
    Err(Failure::text(format!("the server doesn't have a resource type {}", quote(asked))))
}

/// A group may be shortened to its beginning, up to a dot: `deployments.ap` is not one, `events.events` would be.
fn group_matches(info: &KindInfo, group: &str) -> bool {
    group.is_empty() || info.group == group || info.group.starts_with(&format!("{group}."))
}

fn by_resource(resource: &str, word: &str, fits: impl Fn(&KindInfo) -> bool) -> Option<Kind> {
    let as_typed = word.split('.').next().unwrap_or(word);
    Kind::ALL.into_iter().find(|kind| {
        let info = kind.info();
        let named = info.plural == resource || info.singular == resource || info.short.contains(&as_typed);
        named && fits(info)
    })
}

fn by_kind(word: &str) -> Option<Kind> {
    let mut parts = word.splitn(3, '.');
    let (name, second, third) = (parts.next()?, parts.next(), parts.next());
    Kind::ALL.into_iter().find(|kind| {
        let info = kind.info();
        info.kind == name
            && match (second, third) {
                (Some(version), Some(group)) => info.version == version && info.group == group,
                (Some(group), None) => info.group == group,
                _ => true,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_every_name_that_kubectl_takes() {
        for word in ["pods", "pod", "po", "Pod", "Pods", "pods.v1."] {
            assert_eq!(mapping_for(word).ok(), Some(Kind::Pod), "{word}");
        }
        for word in ["deploy", "deployment.apps", "deployments.v1.apps", "Deployment.v1.apps", "Deployment"] {
            assert_eq!(mapping_for(word).ok(), Some(Kind::Deployment), "{word}");
        }
        assert_eq!(object_name(Kind::Deployment, "web"), "deployment.apps/web");
        assert_eq!(kind_of("apps/v1", "DaemonSet"), Some(Kind::DaemonSet));
        assert_eq!(kind_of("v1", "DaemonSet"), None);
    }

    #[test]
    fn what_no_cluster_has_and_what_portlab_lacks_are_told_apart() {
        let refused = |word: &str| mapping_for(word).err().map(|f| f.report().0).unwrap_or_default();
        assert_eq!(refused("widgets"), "error: the server doesn't have a resource type \"widgets\"\n");
        assert_eq!(
            refused("ingresscontroller"),
            "error: the server doesn't have a resource type \"ingresscontroller\"\n"
        );
        assert_eq!(
            refused("deployments.extensions"),
            "error: the server doesn't have a resource type \"deployments\"\n"
        );
        assert_eq!(refused("sts"), "portlab does not model the resource type \"statefulsets\"\n");
    }
}
