public import APIMachinery
public import Support

/// Which plug-ins of admission run, and how they are configured: the API server's flags `--enable-admission-plugins`,
/// `--disable-admission-plugins` and `--admission-control-config-file`.
public struct AdmissionOptions: Sendable {
    /// Plug-ins that run besides those that always do.
    public var enabled: Set<String> = []
    /// Plug-ins that do not run.
    public var disabled: Set<String> = []
    /// What a plug-in is configured with, by its name.
    public var configurations: [String: Value] = [:]
    /// How long pods that do not say so stay on a node that is not ready or unreachable, in seconds
    /// (`--default-not-ready-toleration-seconds`, `--default-unreachable-toleration-seconds`).
    public var notReadySeconds: Int64 = 300
    public var unreachableSeconds: Int64 = 300

    /// What runs when no flag says otherwise.
    public init() {}

    /// Reads the flags. `configuration` is the text of an `AdmissionConfiguration`; `read` reads a file that it names.
    ///
    /// A name that is no plug-in's is a fault, and so is a plug-in that Kubernetes has and this version has not.
    public init(
        enable: [String], disable: [String], configuration: String? = nil, read: (String) throws(Fault) -> String
    ) throws(Fault) {
        enabled = try Self.names(enable, "--enable-admission-plugins")
        disabled = try Self.names(disable, "--disable-admission-plugins")
        if let name = enabled.intersection(disabled).min() {
            throw Fault(
                .invalid, "the admission plug-in \(name) is both enabled and disabled",
                remedy: "name it in one of --enable-admission-plugins and --disable-admission-plugins")
        }
        if let name = enabled.intersection(Self.missing).min() {
            throw Fault(.unsupported, "the admission plug-in \(name) is not part of this version yet")
        }
        if let configuration { try configure(configuration, read) }
    }

    /// Whether a plug-in is part of the chain.
    func runs(_ name: String) -> Bool {
        !disabled.contains(name) && (enabled.contains(name) || !Self.offByDefault.contains(name))
    }

    private static let offByDefault: Set<String> = [
        "NamespaceExists", "NodeRestriction", "AlwaysPullImages", "ExtendedResourceToleration",
        "OwnerReferencesPermissionEnforcement", "DenyServiceExternalIPs", "EventRateLimit",
        "PodNodeSelector",
    ]
    /// Plug-ins of Kubernetes that are off by default and not built here.
    private static let missing: Set<String> = [
        "AlwaysAdmit", "AlwaysDeny", "ImagePolicyWebhook", "LimitPodHardAntiAffinityTopology",
        "NamespaceAutoProvision", "PodTolerationRestriction",
    ]
    private static let onByDefault: Set<String> = [
        "NamespaceLifecycle", "LimitRanger", "ServiceAccount", "DefaultStorageClass", "PersistentVolumeClaimResize",
        "DefaultTolerationSeconds", "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook", "ResourceQuota",
        "StorageObjectInUseProtection", "PodGroupProtection", "Priority", "TaintNodesByCondition", "RuntimeClass",
        "CertificateApproval", "CertificateSigning", "ClusterTrustBundleAttest", "CertificateSubjectRestriction",
        "DefaultIngressClass", "PodSecurity", "PodTopologyLabels", "MutatingAdmissionPolicy",
        "ValidatingAdmissionPolicy", "PodGroupWorkloadExists", "NodeDeclaredFeatureValidator", "JobValidation",
        "PodResizeValidator",
    ]

    /// Plug-ins of Kubernetes that are on by default and not built here: they judge kinds of the newest features.
    private static let unbuilt: Set<String> = [
        "PodGroupProtection", "PodGroupWorkloadExists", "NodeDeclaredFeatureValidator", "JobValidation",
        "PodResizeValidator",
    ]

    /// What somebody relies on by name although it is not there, in order: to be warned of.
    var enabledInVain: [String] { enabled.intersection(Self.unbuilt).sorted() }

    private static func names(_ flags: [String], _ flag: String) throws(Fault) -> Set<String> {
        let names = Set(flags.flatMap { $0.split(separator: ",").map(String.init) })
        if let name = names.subtracting(onByDefault).subtracting(offByDefault).subtracting(missing).min() {
            throw Fault(
                .invalid, "\(flag): there is no admission plug-in \(name)", remedy: "correct the name in \(flag)")
        }
        return names
    }

    /// Reads an `AdmissionConfiguration` of `apiserver.config.k8s.io/v1`.
    private mutating func configure(_ text: String, _ read: (String) throws(Fault) -> String) throws(Fault) {
        let document = try Self.object(text)
        guard document["kind"] == "AdmissionConfiguration" else {
            throw Fault(.invalid, "the configuration of admission is no AdmissionConfiguration")
        }
        for plugin in document["plugins"]?.array ?? [] {
            let name = plugin["name"]?.string ?? ""
            if let configuration = plugin["configuration"], !configuration.isNull {
                configurations[name] = configuration
            } else if let path = plugin["path"]?.string, !path.isEmpty {
                configurations[name] = try Self.object(try read(path))
            }
        }
    }

    private static func object(_ text: String) throws(Fault) -> Value {
        do throws(YAMLError) {
            return try YAML.documents(Array(text.utf8)).first ?? .emptyObject
        } catch {
            throw Fault(.invalid, "the configuration of admission cannot be read: \(error)")
        }
    }
}
