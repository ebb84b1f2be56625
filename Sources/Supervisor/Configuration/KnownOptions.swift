import Support

/// Options of k3s that this version does not have, or that change nothing in it: who gives one is told so.
enum KnownOptions {
    /// What is asked for by them would be believed to hold, so that they end the start. The sentences say what there is.
    private static let unbuilt: [(option: Option, why: String)] = [
        (Option("node-external-dns", .list(isSplit: true)), "nodes have addresses that are numbers"),
        (Option("node-internal-dns", .list(isSplit: true)), "nodes have addresses that are numbers"),
        (Option("node-name-from-cloud-provider-metadata", .flag), "no cloud is asked; --node-name names the node"),
        (Option("nonroot-devices", .flag), "devices belong to those to whom they belong on the host"),
        (Option("vpn-auth", environment: "K3S_VPN_AUTH"), "nodes reach each other by their own network"),
        (Option("vpn-auth-file", environment: "K3S_VPN_AUTH_FILE"), "nodes reach each other by their own network"),
    ]

    /// They are so anyhow, or there is nothing that they could change. `nil` where that needs no word.
    private static let idle: [(option: Option, why: String?)] = [
        (Option("alsologtostderr", .flag), "what goes to the file of --log goes nowhere else"),
        (Option("disable-helm-controller", .flag), nil),
        (Option("disable-network-policy", .flag), nil),
        (Option("enable-pprof", .flag), "there is no profile of a Go program to serve"),
        (Option("lb-server-port", .number, environment: "K3S_LB_SERVER_PORT"), "a server's own node needs no load balancer"),
        (Option("vmodule"), "what is logged is chosen as a whole, by --debug or -v"),
    ]

    static let options = unbuilt.map(\.option) + idle.map(\.option)

    /// Fails for the first that asks for what is not there.
    static func check(_ values: OptionValues) throws(Fault) {
        for (option, why) in unbuilt where isGiven(option, values) {
            throw Fault(.unsupported, "--\(option.name) is not part of this version yet: \(why)")
        }
    }

    /// A sentence for each that changes nothing.
    static func warnings(_ values: OptionValues) -> [String] {
        idle.compactMap { option, why in
            guard let why, isGiven(option, values) else { return nil }
            // Without a file the log goes to the standard error anyhow.
            if option.name == "alsologtostderr", values.text("log") == nil { return nil }
            return "--\(option.name) changes nothing in this version: \(why)"
        }
    }

    private static func isGiven(_ option: Option, _ values: OptionValues) -> Bool {
        option.kind == .flag ? values.flag(option.name) : values.list(option.name).contains { !$0.isEmpty }
    }
}
