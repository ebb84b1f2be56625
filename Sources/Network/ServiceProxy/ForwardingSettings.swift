import Host
import Logging
import Support

/// What the kernel must be told, besides rules, so that a node forwards packets of pods.
enum ForwardingSettings {
    /// There only with br_netfilter.
    static let bridged = "net.bridge.bridge-nf-call-iptables"

    /// Makes the settings, in the namespace of the calling thread. Those that are there already are not
    /// written. One without which nothing works is a fault; others are named in the log.
    static func apply(_ options: ServiceProxyOptions, log: Logger) throws(Fault) {
        try Sysctl.set("net.ipv4.ip_forward", to: "1")
        // Node ports at 127.0.0.1; the chain `guard` closes that network to others.
        attempt("net.ipv4.conf.all.route_localnet", log)
        if options.podCIDRs.contains(where: { $0.family == .v6 }) {
            try Sysctl.set("net.ipv6.conf.all.forwarding", to: "1")
        }
        // Answers between two pods of one bridge must be translated back: without this they would pass below
        // the rules.
        guard Sysctl.exists(bridged) else {
            log.warning(
                """
                the kernel part br_netfilter is missing: pods reach services only where the endpoint is on \
                another node; load it with: modprobe br_netfilter
                """)
            return
        }
        attempt(bridged, log)
        attempt("net.bridge.bridge-nf-call-ip6tables", log)
    }

    private static func attempt(_ name: String, _ log: Logger) {
        do throws(Fault) {
            try Sysctl.set(name, to: "1")
        } catch {
            log.warning("cannot set \(name): \(error)")
        }
    }
}
