public import APIMachinery
public import Support
import API

/// Which of the built-in resources are served (`--runtime-config` of kube-apiserver): those of stable versions, unless
/// somebody said otherwise of all, of a version, or of one resource of a version. What says more counts more.
public struct RuntimeConfig: Hashable, Sendable {
    private var isServed: [String: Bool] = [:]

    /// All that Kubernetes serves by default.
    public init() {}

    /// Settings of the form `api/beta=true`, `apps/v1=false` or `apps/v1/deployments` (which means `=true`).
    public init(_ settings: [String]) throws(Fault) {
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let text = parts.count == 2 ? parts[1].lowercased() : ""
            guard let value = text.isEmpty ? true : Bool(text) else {
                throw Fault(.invalid, "runtime-config: \"\(setting)\" is not of the form NAME=true or NAME=false")
            }
            try Self.check(parts[0], isServed: value)
            isServed[parts[0]] = value
        }
    }

    /// Whether a resource that comes with the server is served.
    public func serves(_ resource: GroupVersionResource) -> Bool {
        let version = resource.apiVersion
        let stage = Self.stage(of: resource.version)
        return isServed["\(version)/\(resource.resource)"] ?? isServed[version] ?? isServed["api/\(stage)"]
            ?? isServed["api/all"] ?? (stage == "ga")
    }

    /// Alpha and beta versions are on request only (KEP-3136).
    private static func stage(of version: String) -> String {
        version.contains("alpha") ? "alpha" : version.contains("beta") ? "beta" : "ga"
    }

    private static let sets: Set<String> = ["api/all", "api/ga", "api/beta", "api/alpha"]

    private static func check(_ name: String, isServed: Bool) throws(Fault) {
        guard !sets.contains(name) else { return }
        // What everything else stands on.
        guard isServed || name != "v1" else { throw Fault(.invalid, "runtime-config: v1 cannot be turned off") }
        let known = BuiltinResources.shared.resources.lazy.map(\.resource)
        guard !known.contains(where: { $0.apiVersion == name || "\($0.apiVersion)/\($0.resource)" == name }) else { return }
        let group = name.split(separator: "/").first.map(String.init) ?? ""
        guard known.contains(where: { $0.group == group }) else {
            throw Fault(.invalid, "runtime-config: unknown API group or version \"\(name)\"")
        }
        // A version that is gone, or not here yet: not to serve it is what happens anyway.
        guard !isServed else { throw Fault(.unsupported, "runtime-config: \(name) is not part of this version") }
    }
}
