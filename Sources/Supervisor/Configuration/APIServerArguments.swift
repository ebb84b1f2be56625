import APIMachinery
import Support

/// What `--kube-apiserver-arg` says, as flags of `kube-apiserver`: `NAME=VALUE` each. Files are named, not read; what was
/// not said is `nil` or empty.
public struct APIServerArguments: Hashable, Sendable {
    /// `--encryption-provider-config`.
    public var encryptionConfigFile: String?
    /// `--encryption-provider-config-automatic-reload`: whether changes of that file count at once.
    public var reloadsEncryption: Bool

    /// `--runtime-config` and `--feature-gates`, setting by setting.
    public var runtimeConfig: [String]
    public var featureGates: [String]

    // MARK: Who users are

    /// `--token-auth-file`.
    public var tokenFile: String?
    /// `--enable-bootstrap-token-auth`.
    public var acceptsBootstrapTokens: Bool?
    /// `--anonymous-auth`.
    public var allowsAnonymous: Bool?
    /// `--requestheader-client-ca-file`, and the lists of the other flags of this kind.
    public var frontProxyAuthorityFile: String?
    public var frontProxyNames: [String]
    public var frontProxyUserHeaders: [String]
    public var frontProxyUIDHeaders: [String]
    public var frontProxyGroupHeaders: [String]
    public var frontProxyExtraPrefixes: [String]

    /// Users whom others know, and who decides what users may do.
    public var access: AccessArguments

    // MARK: What may be written

    /// `--enable-admission-plugins`.
    public var admissionPlugins: [String]
    /// `--disable-admission-plugins`.
    public var disabledAdmissionPlugins: [String]
    /// `--admission-control-config-file`.
    public var admissionConfigFile: String?

    // MARK: Service accounts

    /// `--service-account-issuer`.
    public var issuers: [String]
    /// `--api-audiences`.
    public var audiences: [String]
    /// `--service-account-key-file`.
    public var serviceAccountKeyFiles: [String]
    /// `--service-account-jwks-uri`.
    public var keysURL: String?
    /// `--service-account-max-token-expiration`.
    public var longestToken: Duration?
    /// `--service-account-extend-token-expiration`.
    public var extendsTokens: Bool?

    // MARK: Requests

    public var serving: ServingArguments
    public var listener: ListenerArguments
    public var audit: AuditArguments
    /// `--request-timeout`.
    public var requestTimeout: Duration?
    /// `--max-requests-inflight` and `--max-mutating-requests-inflight`.
    public var readsAtOnce: Int?
    public var writesAtOnce: Int?
    /// `--enable-priority-and-fairness`.
    public var sharesFairly: Bool?

    /// Fails with one sentence that names the argument at fault. One that this version does not know is a fault: it would
    /// otherwise be believed to hold.
    init(_ arguments: [String]) throws(Fault) {
        let dashed = arguments.map { $0.hasPrefix("-") ? $0 : "--" + $0 }
        let values: OptionValues
        do throws(Fault) {
            values = try OptionValues(dashed, options: Self.options)
        } catch {
            throw Fault(error.code, "--kube-apiserver-arg: \(error.summary)")
        }
        func flag(_ name: String) -> Bool? { values.text(name).map { $0 == "true" } }
        encryptionConfigFile = values.text("encryption-provider-config")
        // k3s sets it.
        reloadsEncryption = flag("encryption-provider-config-automatic-reload") ?? true
        runtimeConfig = values.list("runtime-config")
        featureGates = values.list("feature-gates")
        tokenFile = values.text("token-auth-file")
        acceptsBootstrapTokens = flag("enable-bootstrap-token-auth")
        allowsAnonymous = flag("anonymous-auth")
        frontProxyAuthorityFile = values.text("requestheader-client-ca-file")
        frontProxyNames = values.list("requestheader-allowed-names")
        frontProxyUserHeaders = values.list("requestheader-username-headers")
        frontProxyUIDHeaders = values.list("requestheader-uid-headers")
        frontProxyGroupHeaders = values.list("requestheader-group-headers")
        frontProxyExtraPrefixes = values.list("requestheader-extra-headers-prefix")
        access = try AccessArguments(values)
        admissionPlugins = values.list("enable-admission-plugins")
        disabledAdmissionPlugins = values.list("disable-admission-plugins")
        admissionConfigFile = values.text("admission-control-config-file")
        issuers = values.list("service-account-issuer")
        audiences = values.list("api-audiences")
        serviceAccountKeyFiles = values.list("service-account-key-file")
        keysURL = values.text("service-account-jwks-uri")
        longestToken = try Self.duration(values, "service-account-max-token-expiration")
        extendsTokens = flag("service-account-extend-token-expiration")
        serving = try ServingArguments(values)
        listener = try ListenerArguments(values)
        audit = try AuditArguments(values)
        requestTimeout = try Self.duration(values, "request-timeout")
        readsAtOnce = try Self.number(values, "max-requests-inflight")
        writesAtOnce = try Self.number(values, "max-mutating-requests-inflight")
        sharesFairly = flag("enable-priority-and-fairness")
    }

    private static let options: [Option] = [
        Option("encryption-provider-config"),
        Option("encryption-provider-config-automatic-reload", .flag),
        Option("runtime-config", .list(isSplit: true)),
        Option("feature-gates", .list(isSplit: true)),
        Option("token-auth-file"),
        Option("enable-bootstrap-token-auth", .flag),
        Option("anonymous-auth", .flag),
        Option("requestheader-client-ca-file"),
        Option("requestheader-allowed-names", .list(isSplit: true)),
        Option("requestheader-username-headers", .list(isSplit: true)),
        Option("requestheader-uid-headers", .list(isSplit: true)),
        Option("requestheader-group-headers", .list(isSplit: true)),
        Option("requestheader-extra-headers-prefix", .list(isSplit: true)),
        Option("enable-admission-plugins", .list(isSplit: true)),
        Option("disable-admission-plugins", .list(isSplit: true)),
        Option("admission-control-config-file"),
        Option("service-account-issuer", .list(isSplit: false)),
        Option("api-audiences", .list(isSplit: true)),
        Option("service-account-key-file", .list(isSplit: false)),
        Option("service-account-jwks-uri"),
        Option("service-account-max-token-expiration"),
        Option("service-account-extend-token-expiration", .flag),
        Option("request-timeout"),
        Option("max-requests-inflight"),
        Option("max-mutating-requests-inflight"),
        Option("enable-priority-and-fairness", .flag),
    ] + AccessArguments.options + AuditArguments.options + ServingArguments.options + ListenerArguments.options

    static func number(_ values: OptionValues, _ name: String) throws(Fault) -> Int? {
        guard let text = values.text(name) else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw Fault(.invalid, "--kube-apiserver-arg: \(name) \(text) is no number from 0 up")
        }
        return number
    }

    static func duration(_ values: OptionValues, _ name: String) throws(Fault) -> Duration? {
        guard let text = values.text(name) else { return nil }
        guard let duration = try? GoDuration.parse(text) else {
            throw Fault(.invalid, "--kube-apiserver-arg: \(name) \(text) is no duration, such as 1h30m")
        }
        return duration
    }
}
