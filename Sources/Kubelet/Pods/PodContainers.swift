import API

/// The containers of a pod in the roles that they have in its life.
///
/// A sidecar is an init container that is restarted always: it starts in its turn, and runs beside the
/// others to the end (KEP 753). An ephemeral one is added to a running pod by a person who looks for a
/// fault (KEP 277).
struct PodContainers: Sendable {
    enum Role: Hashable, Sendable {
        case initial
        case sidecar
        case regular
        case ephemeral
    }

    struct Member: Sendable {
        var container: Container
        var role: Role
        var name: String
    }

    /// In the order in which they start.
    let members: [Member]

    init(_ spec: PodSpec) {
        let initial = spec.initContainers.map { container in
            let role: Role = container.restartPolicy == "Always" ? .sidecar : .initial
            return Member(container: container, role: role, name: container.name)
        }
        let regular = spec.containers.map { Member(container: $0, role: .regular, name: $0.name) }
        // They have the fields of a container, and one more.
        let ephemeral = spec.ephemeralContainers.map {
            Member(container: Container($0.value), role: .ephemeral, name: $0.name)
        }
        members = initial + regular + ephemeral
    }

    /// Init containers, sidecars among them.
    var beginning: [Member] { members.filter { $0.role == .initial || $0.role == .sidecar } }
    var regular: [Member] { members.filter { $0.role == .regular } }
    var ephemeral: [Member] { members.filter { $0.role == .ephemeral } }

    /// A rule of one of them may ask for all to begin again.
    var canAllRestart: Bool {
        members.contains { member in
            member.role != .ephemeral
                && member.container.restartPolicyRules.contains { $0.action == "RestartAllContainers" }
        }
    }

    subscript(name: String) -> Member? { members.first { $0.name == name } }
}

extension PodContainers.Member {
    /// What a rule of the container asks for.
    enum RestartAction: String, Sendable {
        case restart = "Restart"
        case restartAllContainers = "RestartAllContainers"
    }

    /// The first rule that an end with this code fits to says what becomes of it; `nil` when none does.
    func rule(after exitCode: Int32) -> RestartAction? {
        if role == .ephemeral { return nil }
        for rule in container.restartPolicyRules {
            guard let action = RestartAction(rawValue: rule.action), let codes = rule.exitCodes else { continue }
            let isListed = codes.values.contains(Int(exitCode))
            if codes.operator == "In" ? isListed : !isListed { return action }
        }
        return nil
    }

    /// Whether an instance that ended so is followed by another one (KEP 5307 for the rules of a container).
    func isRestarted(exitCode: Int32, policy: String) -> Bool {
        if role == .ephemeral { return false }
        if rule(after: exitCode) != nil { return true }
        return switch container.restartPolicy ?? policy {
        case "Never": false
        case "OnFailure": exitCode != 0
        // An init container that succeeded has done what it is for.
        default: role != .initial || exitCode != 0
        }
    }
}
