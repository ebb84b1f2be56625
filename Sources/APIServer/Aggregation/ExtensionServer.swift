import APIMachinery
import Support
import Wire

/// A version of a group that another server answers for: an APIService with a service. Pure.
struct ExtensionServer: Sendable {
    let name: String
    let group: String
    let version: String
    let service: ObjectName
    let port: Int
    /// Who may have signed its certificate, as PEM. Empty: whom this system trusts.
    let authorities: [UInt8]
    let isVerifying: Bool
    let groupPriority: Int
    let versionPriority: Int
    /// What its condition `Available` says.
    let isAvailable: Bool
    /// What it said when it was asked last.
    var offer: Offer?

    /// What an extension server serves.
    struct Offer: Hashable, Sendable {
        /// Its `APIResourceList`.
        var resources: Value
        /// The hash of its OpenAPI 3 document; `nil` when it has none.
        var documentHash: String?
        /// Whether it has a document of OpenAPI 2 alone, of which this server makes the other.
        var isDocumentConverted = false
    }

    /// `nil` for a version that this server answers for itself.
    init?(_ object: Value) {
        guard let spec = object["spec"], let service = spec["service"], service.fields != nil else { return nil }
        func text(_ value: Value, _ key: String) -> String { value[key]?.string ?? "" }
        name = object.at("metadata", "name")?.string ?? ""
        group = text(spec, "group")
        version = text(spec, "version")
        self.service = ObjectName(namespace: text(service, "namespace"), name: text(service, "name"))
        port = Int(service["port"]?.integer ?? 443)
        authorities = Base64.decode(text(spec, "caBundle")) ?? []
        isVerifying = !(spec["insecureSkipTLSVerify"]?.bool ?? false)
        groupPriority = Int(spec["groupPriorityMinimum"]?.integer ?? 0)
        versionPriority = Int(spec["versionPriority"]?.integer ?? 0)
        isAvailable = APIServiceCondition(object)?.isTrue ?? false
    }

    var groupVersion: String { group.isEmpty ? version : group + "/" + version }

    /// Where its resources are: `/apis/metrics.k8s.io/v1beta1`.
    var path: String { (group.isEmpty ? "/api/" : "/apis/") + groupVersion }

    var trust: TrustedClients.Trust {
        TrustedClients.Trust(
            authorities: authorities, serverName: "\(service.name).\(service.namespace).svc", isVerifying: isVerifying)
    }
}
