import API
import APIMachinery

/// What a ControllerRevision of a StatefulSet or a DaemonSet holds: a strategic merge patch that puts a template in the
/// place of the present one. `kubectl rollout history` reads it, and `kubectl rollout undo` sends it as it is.
enum RevisionData {
    private static let path = ["spec", "template"]
    private static let directive = "$patch"

    static func of(_ template: PodTemplateSpec) -> Value {
        var replacing = template.value
        replacing[directive] = "replace"
        return ["spec": ["template": replacing]]
    }

    /// The template that a revision holds; `nil` when its data is of another form.
    static func template(in revision: ControllerRevision) -> PodTemplateSpec? {
        guard var template = revision.data?[path: path], template.fields != nil else { return nil }
        template[directive] = nil
        return PodTemplateSpec(template)
    }

    /// Whether a revision holds this template. Fields that one writer leaves out and another writes as nothing make no
    /// difference: a cluster that is taken over must not restart its pods.
    static func holds(_ revision: ControllerRevision, _ template: PodTemplateSpec) -> Bool {
        guard let held = self.template(in: revision) else { return false }
        return held == template || comparable(held.value) == comparable(template.value)
    }

    private static func comparable(_ template: Value) -> Value {
        var plain = withoutNulls(template)
        plain[path: ["metadata", "creationTimestamp"]] = nil
        for list in ["containers", "initContainers"] {
            guard let containers = plain.at("spec", list)?.array else { continue }
            let compared = containers.map { container in
                var container = container
                if container["resources"]?.fields?.isEmpty == true { container["resources"] = nil }
                return container
            }
            plain[path: ["spec", list]] = .array(compared)
        }
        return plain
    }

    private static func withoutNulls(_ value: Value) -> Value {
        switch value {
        case .object(var fields):
            fields.removeAll { $1.isNull }
            return .object(fields.mapValues { withoutNulls($0) })
        case .array(let elements): return .array(elements.map { withoutNulls($0) })
        default: return value
        }
    }
}
