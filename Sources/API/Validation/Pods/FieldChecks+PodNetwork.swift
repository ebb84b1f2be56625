import APIMachinery

// Names and addresses that a pod's processes see.
extension FieldChecks {
    mutating func podNetwork(_ spec: Value, _ path: String, _ place: PodPlace) {
        if spec["hostNetwork"].isTrue { sharedPorts(spec, path, isPod: place.isPod) }
        nameResolution(spec, path + ".dnsConfig")
        for (alias, path) in spec["hostAliases"].elements(path + ".hostAliases") {
            address(alias["ip"].text, path + ".ip")
            for (name, path) in alias["hostnames"].elements(path + ".hostnames") {
                self.name(name.string ?? "", .dns1123Subdomain, path)
            }
        }
        hostnameOverride(spec, path)
    }

    /// On the host's network a container's port is the host's. Templates leave it to the pods to say so.
    private mutating func sharedPorts(_ spec: Value, _ path: String, isPod: Bool) {
        for (container, path) in spec["containers"].elements(path + ".containers") {
            for (port, path) in container["ports"].elements(path + ".ports") {
                let host = port["hostPort"]?.integer ?? 0
                guard isPod || host != 0, host != port["containerPort"]?.integer ?? 0 else { continue }
                let why = "must match `containerPort` when `hostNetwork` is true"
                invalid(path + ".hostPort", .integer(host), why)
            }
        }
    }

    /// The bounds are those of the C library's resolver.
    private mutating func nameResolution(_ spec: Value, _ path: @autoclosure () -> String) {
        let config = spec["dnsConfig"]
        if spec["dnsPolicy"].text == "None", !config["nameservers"].isFilled {
            return config == nil
                ? missing(path(), "must provide `dnsConfig` when `dnsPolicy` is None")
                : missing(
                    path() + ".nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
        }
        guard let config else { return }
        let path = path()
        let (servers, searches) = (config["nameservers"], config["searches"])
        if servers.items.count > 3 { invalid(path + ".nameservers", servers, "must not have more than 3 nameservers") }
        for (server, path) in servers.elements(path + ".nameservers") { address(server.string ?? "", path) }
        if searches.items.count > 32 {
            invalid(path + ".searches", searches, "must not have more than 32 search paths")
        }
        if searches.items.reduce(-1, { $0 + 1 + ($1.string ?? "").utf8.count }) > 2048 {
            let why = "must not have more than 2048 characters (including spaces) in the search list"
            invalid(path + ".searches", searches, why)
        }
        for (search, path) in searches.elements(path + ".searches") { searchDomain(search.string ?? "", path) }
        for (option, path) in config["options"].elements(path + ".options") where option["name"].text.isEmpty {
            missing(path, "must not be empty")
        }
    }

    private static let looseDomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and "
        + "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')"

    /// A domain whose labels may hold underscores, also in front, with or without a dot at its end (KEP-4427).
    private mutating func searchDomain(_ text: String, _ path: String) {
        guard text != "." else { return }
        let domain = text.hasSuffix(".") ? String(text.dropLast()) : text
        if domain.utf8.count > 253 { invalid(path, .string(domain), NameProblem.tooLong(253)) }
        // Without the underscores in front the labels are built as those of sysctls are.
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        let bare = labels.map { $0.hasPrefix("_") ? $0.dropFirst() : $0 }.joined(separator: ".")
        if domain.contains("/") || !Self.isSysctl(bare.isEmpty ? "/" : String(bare.prefix(253))) {
            invalid(path, .string(domain), Self.looseDomain)
        }
    }

    /// The name that the pod's kernel knows, whatever the API calls the pod (KEP-4762).
    private mutating func hostnameOverride(_ spec: Value, _ path: String) {
        guard let name = spec["hostnameOverride"]?.string else { return }
        let field = path + ".hostnameOverride"
        self.name(name, .dns1123Subdomain, field)
        if name.utf8.count > 64 { add(.tooLong(field, limit: 64)) }
        if spec["hostNetwork"].isTrue { forbid(field, "may not be specified when hostNetwork is true") }
        if spec["setHostnameAsFQDN"].isTrue { forbid(field, "may not be specified when setHostnameAsFQDN is true") }
    }
}
