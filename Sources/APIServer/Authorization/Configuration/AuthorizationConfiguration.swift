import APIMachinery
public import Support

/// Who decides what users may do, in order: `--authorization-mode` and what belongs to it, or the file of
/// `--authorization-config` (`apiserver.config.k8s.io/v1.AuthorizationConfiguration`, KEP-3221).
public struct AuthorizationConfiguration: Sendable {
    /// One authoriser.
    public enum Mode: Sendable {
        case node, rbac, everyone, nobody
        case webhook(name: String, AuthorizationWebhook)
    }

    /// The first opinion counts.
    public var modes: [Mode]

    /// As k3s has it: nodes, then roles.
    public init(_ modes: [Mode] = [.node, .rbac]) { self.modes = modes }

    /// By the names of `--authorization-mode`. Fails with a sentence.
    public init(names: [String], webhook: AuthorizationWebhook?) throws(Fault) {
        modes = []
        for (index, name) in names.enumerated() {
            guard !names[..<index].contains(name) else {
                throw Fault(.invalid, "authorization-mode \(name) stands there twice")
            }
            if name == "Webhook" {
                guard let webhook else {
                    throw Fault(
                        .invalid, "authorization-mode Webhook needs --authorization-webhook-config-file")
                }
                modes.append(.webhook(name: "default", webhook))
            } else {
                modes.append(try Self.plain(name))
            }
        }
        guard !modes.isEmpty else { throw Fault(.invalid, "at least one authorization-mode is needed") }
        if webhook != nil, !names.contains("Webhook") {
            throw Fault(.invalid, "--authorization-webhook-config-file is of no use without the mode Webhook")
        }
    }

    static func plain(_ name: String) throws(Fault) -> Mode {
        switch name {
        case "Node": return .node
        case "RBAC": return .rbac
        case "AlwaysAllow": return .everyone
        case "AlwaysDeny": return .nobody
        case "ABAC": throw Fault(.unsupported, "the authorizer ABAC is not built in this version")
        default: throw Fault(.invalid, "there is no authorizer \"\(name)\"")
        }
    }

    /// Which of those who look at the server's own objects take part: reloading must not change that.
    var ownModes: Set<String> {
        Set(
            modes.compactMap { mode in
                switch mode {
                case .node: "Node"
                case .rbac: "RBAC"
                case .everyone: "AlwaysAllow"
                case .nobody: "AlwaysDeny"
                case .webhook: nil
                }
            })
    }
}
