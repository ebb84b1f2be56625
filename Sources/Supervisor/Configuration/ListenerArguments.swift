import Support

/// The flags of `kube-apiserver` about what it shows those who connect, whom it believes, where it is, and how it
/// begins and stops. Files are named, not read; what was not said is `nil` or empty.
public struct ListenerArguments: Hashable, Sendable {
    /// A certificate, its chain behind it, and its key.
    public struct Pair: Hashable, Sendable {
        public var certificateFile: String
        public var keyFile: String
        /// Who asks for one of these names is shown it, `*.example.com` for any name below; empty takes the names in
        /// the certificate.
        public var names: [String] = []
    }

    /// `--tls-cert-file` and `--tls-private-key-file`, instead of k3s' own.
    public var identity: Pair?
    /// `--tls-sni-cert-key`.
    public var namedIdentities: [Pair]
    /// `--client-ca-file`: who issues client certificates, instead of k3s' own authority.
    public var clientAuthorityFile: String?
    /// `--kubelet-certificate-authority`: who issues the certificates of kubelets.
    public var kubeletAuthorityFile: String?
    /// `--service-account-signing-key-file`.
    public var signingKeyFile: String?
    /// `--http2-max-streams-per-connection`.
    public var streamsPerConnection: Int?
    /// `--strict-transport-security-directives`.
    public var transportSecurity: [String]
    /// `--shutdown-delay-duration`: how long requests are answered after somebody said stop.
    public var shutdownDelay: Duration
    /// `--livez-grace-period`: how long the server counts as alive though it has not begun.
    public var livezGrace: Duration
    /// `--endpoint-reconciler-type`: whether the service `kubernetes` is told where this server is.
    public var tellsEndpoints: Bool
    /// `--external-hostname`: under what name this server is known outside.
    public var externalHostname: String?
    /// `--advertise-address`, which counts before k3s' own.
    var advertiseAddress: IPAddress?

    init(_ values: OptionValues) throws(Fault) {
        switch (values.text("tls-cert-file"), values.text("tls-private-key-file")) {
        case (nil, nil): identity = nil
        case (let certificate?, let key?): identity = Pair(certificateFile: certificate, keyFile: key)
        default: throw Self.fault("tls-cert-file and tls-private-key-file need each other")
        }
        namedIdentities = []
        for text in values.list("tls-sni-cert-key") { namedIdentities.append(try Self.pair(text)) }
        clientAuthorityFile = values.text("client-ca-file")
        kubeletAuthorityFile = values.text("kubelet-certificate-authority")
        signingKeyFile = values.text("service-account-signing-key-file")
        let streams = try APIServerArguments.number(values, "http2-max-streams-per-connection") ?? 0
        guard streams <= Int(Int32.max) else { throw Self.fault("http2-max-streams-per-connection is too many") }
        // None means the usual number.
        streamsPerConnection = streams == 0 ? nil : streams
        transportSecurity = values.list("strict-transport-security-directives")
        for directive in transportSecurity { try Self.check(directive) }
        shutdownDelay = try Self.time(values, "shutdown-delay-duration")
        livezGrace = try Self.time(values, "livez-grace-period")
        let reconciler = values.text("endpoint-reconciler-type") ?? "lease"
        guard ["master-count", "lease", "none"].contains(reconciler) else {
            throw Self.fault("endpoint-reconciler-type must be master-count, lease or none, not \(reconciler)")
        }
        tellsEndpoints = reconciler != "none"
        externalHostname = values.text("external-hostname")
        advertiseAddress = nil
        if let text = values.text("advertise-address") {
            guard let address = IPAddress(text) else { throw Self.fault("advertise-address \(text) is no IP address") }
            advertiseAddress = address
        }
        // How long a kubelet may take is settled by what it is asked for, as in Kubernetes.
        _ = try Self.time(values, "kubelet-timeout")
    }

    /// `CERTIFICATE,KEY[:NAME,NAME...]`.
    private static func pair(_ text: String) throws(Fault) -> Pair {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let files = parts[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard files.count == 2, !files.contains("") else {
            throw fault("tls-sni-cert-key \(text) must name a certificate and a key, with a comma between them")
        }
        let names = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
        return Pair(certificateFile: files[0], keyFile: files[1], names: names)
    }

    /// RFC 6797, section 6.1.
    private static func check(_ directive: String) throws(Fault) {
        if directive == "includeSubDomains" || directive == "preload" { return }
        let parts = directive.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "max-age", UInt64(parts[1]) != nil else {
            throw fault(
                "strict-transport-security-directives are max-age=SECONDS, includeSubDomains and preload, "
                    + "not \(directive)")
        }
    }

    private static func time(_ values: OptionValues, _ name: String) throws(Fault) -> Duration {
        let time = try APIServerArguments.duration(values, name) ?? .zero
        guard time >= .zero else { throw fault("\(name) cannot be less than nothing") }
        return time
    }

    private static func fault(_ why: String) -> Fault { Fault(.invalid, "--kube-apiserver-arg: \(why)") }

    static let options: [Option] = [
        Option("tls-cert-file"),
        Option("tls-private-key-file"),
        Option("tls-sni-cert-key", .list(isSplit: false)),
        Option("client-ca-file"),
        Option("kubelet-certificate-authority"),
        Option("kubelet-timeout"),
        Option("service-account-signing-key-file"),
        Option("http2-max-streams-per-connection"),
        Option("strict-transport-security-directives", .list(isSplit: true)),
        Option("shutdown-delay-duration"),
        Option("livez-grace-period"),
        Option("endpoint-reconciler-type"),
        Option("external-hostname"),
        Option("advertise-address"),
    ]
}
