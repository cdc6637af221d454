//! `sysctl`: reads and writes the settings of the host's network namespace.
//!
//! Source: `sysctl.c` of procps 4.0.2. Modelled: `-w -n -N -b -e -q -a -r -p`, and names of directories. Settings that portlab does not have are said to
//! be so, where the real kernel has many more.

use crate::host::{Answer, Call};
use crate::lab::Place;
use crate::linux::sysctl::Sysctls;
use crate::tools::Cx;
use crate::tools::jobs::Process;
use crate::tools::options::{self, flag, value};
use crate::tools::regex;
use crate::world::World;

/// Runs sysctl.
pub fn run(cx: &mut Cx) -> i32 {
    let specs = [
        flag('w', "write"),
        flag('n', "values"),
        flag('N', "names"),
        flag('b', "binary"),
        flag('e', "ignore"),
        flag('q', "quiet"),
        flag('a', "all"),
        flag('A', ""),
        flag('X', ""),
        value('r', "pattern"),
        flag('V', "version"),
        flag('p', "load"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.has('V') {
        cx.print("sysctl from procps-ng 4.0.2\n");
        return 0;
    }
    cx.world.start_host(&cx.host);
    if given.has('p') {
        return load(cx, &given);
    }
    if given.has('a') || given.has('A') || given.has('X') {
        return all(cx, &given);
    }
    if given.operands.is_empty() {
        cx.eprint("sysctl: no variables specified\nTry `sysctl --help' for more information.\n");
        return 1;
    }
    let mut status = 0;
    for word in given.operands.clone() {
        let done = match word.split_once('=') {
            Some(("", _)) => 1,
            Some((name, value)) => write(cx, &given, name.trim(), value.trim()),
            None if given.has('w') => {
                cx.eprint("sysctl: command line(0): invalid syntax, continuing...\n");
                1
            }
            None => read(cx, &given, &word),
        };
        status += done;
    }
    status
}

/// `sysctl -p [FILE…]`: sets what the files say; `-` before a name forgives that there is none.
fn load(cx: &mut Cx, given: &options::Given) -> i32 {
    let named = &given.operands;
    let paths = if named.is_empty() { vec!["/etc/sysctl.conf".to_owned()] } else { named.clone() };
    let mut status = 0;
    for path in paths {
        let text = match cx.open(&path) {
            Ok(text) => text,
            Err(why) => {
                status = cx.fail(&format!("cannot open \"{path}\": {why}"), 1);
                continue;
            }
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let (line, forgiving) = line.strip_prefix('-').map_or((line, false), |rest| (rest, true));
            let Some((name, value)) = line.split_once('=') else {
                cx.eprint(&format!("sysctl: {path}({}): invalid syntax, continuing...\n", number + 1));
                continue;
            };
            let done = write(cx, given, name.trim(), value.trim());
            status |= if forgiving { 0 } else { done };
        }
    }
    status
}

/// `net/ipv4/tcp_tw_reuse` names the same as `net.ipv4.tcp_tw_reuse`.
fn dotted(name: &str) -> String {
    name.replace('/', ".")
}

/// A value as the kernel shows it: a tab between two ports.
pub(in crate::tools) fn shown(world: &mut World, host: &str, name: &str) -> Option<String> {
    let value = world.host(host)?.namespace().sysctls.get(name)?;
    Some(value.replace(' ', "\t"))
}

/// Whether settings have names that go on from this one: it is a directory.
pub(in crate::tools) fn has_settings_in(name: &str) -> bool {
    Sysctls::names().any(|known| is_inside(known, name))
}

fn is_inside(name: &str, directory: &str) -> bool {
    name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('.'))
}

fn print(cx: &mut Cx, given: &options::Given, name: &str, value: &str) {
    let text = match (given.has('b'), given.has('n'), given.has('N')) {
        (true, _, _) => value.to_owned(),
        (_, true, _) => format!("{value}\n"),
        (_, _, true) => format!("{name}\n"),
        _ => format!("{name} = {value}\n"),
    };
    cx.print(&text);
}

fn unknown(cx: &mut Cx, given: &options::Given, name: &str) -> i32 {
    if given.has('e') {
        return 0;
    }
    if left_out(name) {
        cx.eprint(&format!("portlab does not model {name}; `sysctl -a` lists what it models\n"));
        return 1;
    }
    let path = name.replace('.', "/");
    cx.eprint(&format!("sysctl: cannot stat /proc/sys/{path}: No such file or directory\n"));
    1
}

/// Whether the real kernel has a setting of this name.
pub(in crate::tools) fn left_out(name: &str) -> bool {
    let whole = [
        "kernel.",
        "vm.",
        "fs.",
        "dev.",
        "debug.",
        "user.",
        "abi.",
        "net.ipv4.conf.",
        "net.ipv4.neigh.",
        "net.ipv6.conf.",
        "net.ipv6.neigh.",
        "net.netfilter.",
        "net.mptcp.",
        "net.unix.",
    ];
    whole.iter().any(|prefix| name.starts_with(prefix))
        || name.rsplit_once('.').is_some_and(|(family, last)| {
            LEFT_OUT.iter().any(|(known, names)| *known == family && names.split(' ').any(|name| name == last))
        })
}

fn read(cx: &mut Cx, given: &options::Given, word: &str) -> i32 {
    let name = dotted(word);
    match shown(cx.world, &cx.host, &name) {
        Some(value) => {
            print(cx, given, &name, &value);
            0
        }
        None if has_settings_in(&name) => {
            for name in Sysctls::names().filter(|known| is_inside(known, &name)) {
                if let Some(value) = shown(cx.world, &cx.host, name) {
                    print(cx, given, name, &value);
                }
            }
            cx.eprint("portlab: the real kernel has more settings; those that portlab models are listed\n");
            0
        }
        None => unknown(cx, given, &name),
    }
}

fn write(cx: &mut Cx, given: &options::Given, word: &str, value: &str) -> i32 {
    let name = dotted(word);
    if shown(cx.world, &cx.host, &name).is_none() {
        return unknown(cx, given, &name);
    }
    if matches!(cx.place, Place::Pod { .. }) {
        // /proc/sys is mounted read-only in a container without privileges.
        cx.eprint(&format!("sysctl: permission denied on key \"{name}\"\n"));
        return 1;
    }
    let process = Process::start(cx);
    let call = Call::Sysctl { name: name.as_str().into(), value: value.into() };
    let status = match process.call(cx, call) {
        Answer::Refused { refusal, .. } => {
            cx.eprint(&format!("sysctl: setting key \"{name}\": {}\n", refusal.errno.words()));
            1
        }
        _ => {
            if !given.has('q') {
                // What was asked for is shown, not what the kernel made of it.
                print(cx, given, &name, value);
            }
            0
        }
    };
    process.exit(cx, status)
}

fn all(cx: &mut Cx, given: &options::Given) -> i32 {
    let pattern = match given.value('r').map(|text| regex::extended(text, false)) {
        None => None,
        Some(Ok(pattern)) => Some(pattern),
        Some(Err(why)) => return cx.fail(&why.to_string(), 1),
    };
    for name in Sysctls::names() {
        if pattern.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && let Some(value) = shown(cx.world, &cx.host, name)
        {
            print(cx, given, name, &value);
        }
    }
    if pattern.is_none() {
        cx.eprint("portlab: the real kernel has more settings; those that portlab models are listed\n");
    }
    0
}

/// Settings of Linux 6.18 that portlab does not model.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "net.core",
        "bpf_jit_enable bpf_jit_harden bpf_jit_kallsyms bpf_jit_limit busy_poll busy_read default_qdisc \
         dev_weight dev_weight_rx_bias dev_weight_tx_bias devconf_inherit_init_net \
         fb_tunnels_only_for_init_net flow_limit_cpu_bitmap flow_limit_table_len gro_normal_batch \
         high_order_alloc_disable max_skb_frags mem_pcpu_rsv message_burst message_cost netdev_budget \
         netdev_budget_usecs netdev_max_backlog netdev_rss_key netdev_tstamp_prequeue \
         netdev_unregister_timeout_secs optmem_max rmem_default rmem_max rps_default_mask \
         rps_sock_flow_entries skb_defer_max tstamp_allow_data txrehash warnings wmem_default wmem_max \
         xfrm_acq_expires xfrm_aevent_etime xfrm_aevent_rseqth xfrm_larval_drop",
    ),
    (
        "net.ipv4",
        "cipso_cache_bucket_size cipso_cache_enable cipso_rbm_optfmt cipso_rbm_strictvalid \
         fib_multipath_hash_fields fib_multipath_hash_policy fib_multipath_hash_seed \
         fib_multipath_use_neigh fib_notify_on_flag_change fib_sync_mem fwmark_reflect \
         icmp_echo_enable_probe icmp_echo_ignore_all icmp_echo_ignore_broadcasts \
         icmp_errors_use_inbound_ifaddr icmp_ignore_bogus_error_responses icmp_msgs_burst \
         icmp_msgs_per_sec icmp_ratelimit icmp_ratemask igmp_link_local_mcast_reports \
         igmp_max_memberships igmp_max_msf igmp_qrv inet_peer_maxttl inet_peer_minttl \
         inet_peer_threshold ip_dynaddr ip_early_demux ip_forward_update_priority \
         ip_forward_use_pmtu ip_no_pmtu_disc ipfrag_high_thresh ipfrag_low_thresh ipfrag_max_dist \
         ipfrag_secret_interval ipfrag_time nexthop_compat_mode ping_group_range raw_l3mdev_accept \
         tcp_adv_win_scale tcp_allowed_congestion_control tcp_app_win tcp_autocorking \
         tcp_available_congestion_control tcp_available_ulp tcp_backlog_ack_defer tcp_base_mss \
         tcp_challenge_ack_limit tcp_child_ehash_entries tcp_comp_sack_delay_ns tcp_comp_sack_nr \
         tcp_comp_sack_slack_ns tcp_congestion_control tcp_dsack tcp_early_demux tcp_early_retrans \
         tcp_ecn tcp_ecn_fallback tcp_ecn_option tcp_ecn_option_beacon tcp_ehash_entries tcp_fack \
         tcp_fastopen_blackhole_timeout_sec tcp_fastopen_key tcp_frto tcp_fwmark_accept \
         tcp_invalid_ratelimit \
         tcp_l3mdev_accept tcp_limit_output_bytes tcp_low_latency tcp_max_orphans tcp_max_reordering \
         tcp_mem tcp_min_rtt_wlen tcp_min_snd_mss tcp_min_tso_segs \
         tcp_mtu_probe_floor tcp_mtu_probing tcp_no_metrics_save \
         tcp_no_ssthresh_metrics_save tcp_notsent_lowat tcp_pacing_ca_ratio \
         tcp_pacing_ss_ratio tcp_pingpong_thresh tcp_plb_cong_thresh tcp_plb_enabled \
         tcp_plb_idle_rehash_rounds tcp_plb_rehash_rounds tcp_plb_suspend_rto_sec tcp_probe_interval \
         tcp_probe_threshold tcp_recovery tcp_reflect_tos tcp_reordering tcp_retrans_collapse \
         tcp_rmem tcp_rto_max_ms tcp_rto_min_us tcp_shrink_window \
         tcp_stdurg tcp_thin_linear_timeouts tcp_tso_rtt_log \
         tcp_tso_win_divisor tcp_wmem tcp_workaround_signed_windows \
         udp_child_hash_entries udp_early_demux udp_hash_entries udp_l3mdev_accept udp_mem udp_rmem_min \
         udp_wmem_min xfrm4_gc_thresh",
    ),
    (
        "net.ipv4.route",
        "error_burst error_cost gc_elasticity gc_interval gc_min_interval gc_min_interval_ms gc_thresh \
         gc_timeout max_size min_adv_mss min_pmtu mtu_expires redirect_load redirect_number \
         redirect_silence",
    ),
    (
        "net.ipv6",
        "anycast_src_echo_reply auto_flowlabels calipso_cache_bucket_size calipso_cache_enable \
         fib_multipath_hash_fields fib_multipath_hash_policy fib_notify_on_flag_change \
         flowlabel_consistency flowlabel_reflect flowlabel_state_ranges fwmark_reflect idgen_delay \
         idgen_retries ioam6_id ioam6_id_wide ip6frag_high_thresh ip6frag_low_thresh \
         ip6frag_secret_interval ip6frag_time max_dst_opts_length max_dst_opts_number max_hbh_length \
         max_hbh_opts_number mld_max_msf mld_qrv seg6_flowlabel xfrm6_gc_thresh",
    ),
    (
        "net.ipv6.icmp",
        "echo_ignore_all echo_ignore_anycast echo_ignore_multicast error_anycast_as_unicast ratelimit \
         ratemask",
    ),
    (
        "net.ipv6.route",
        "gc_elasticity gc_interval gc_min_interval gc_min_interval_ms gc_thresh gc_timeout max_size \
         min_adv_mss mtu_expires skip_notify_on_dev_down",
    ),
];
