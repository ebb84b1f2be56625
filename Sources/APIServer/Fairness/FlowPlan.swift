import API
import APIMachinery
import Client
import Support

/// What is to be done so that the standard objects are there and every schema's status is true. Pure.
struct FlowPlan {
    enum Step: Hashable, Sendable {
        case create(GroupVersionResource, Value)
        case update(GroupVersionResource, Value)
        case updateStatus(GroupVersionResource, Value)
    }

    /// Who keeps an object's spec (KEP-1040): "true" the server, "false" its users; without the annotation the server
    /// until a user has changed it.
    private static let mark = "apf.kubernetes.io/autoupdate-spec"

    let now: Timestamp

    /// The present objects, by name.
    func steps(schemas: [String: Value], levels: [String: Value]) -> [Step] {
        StandardFlows.all.compactMap { wanted in
            step(wanted, (wanted.resource == .flowSchemas ? schemas : levels)[wanted.name])
        }
    }

    private func step(_ wanted: StandardFlows.Wanted, _ present: Value?) -> Step? {
        guard var object = present else {
            return .create(
                wanted.resource,
                [
                    "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": .string(wanted.kind.kind),
                    "metadata": ["name": .string(wanted.name), "annotations": [Self.mark: "true"]], "spec": wanted.spec,
                ])
        }
        let word = object.at("metadata", "annotations", Self.mark)?.string
        let isOurs = word == nil ? object.at("metadata", "generation")?.integer == 1 : word == "true"
        guard wanted.isMandatory || isOurs else { return nil }
        // Of one mandatory object a part is its users' to set.
        if word == "false", let part = object.at("spec", "exempt"), wanted.spec["exempt"] != nil {
            guard object["spec"].map(wanted.fixed) != wanted.fixed(wanted.spec) else { return nil }
            object["spec"] = wanted.spec
            object[path: ["spec", "exempt"]] = part
            return .update(wanted.resource, object)
        }
        guard word != "true" || object["spec"] != wanted.spec else { return nil }
        object["spec"] = wanted.spec
        object[path: ["metadata", "annotations", Self.mark]] = "true"
        return .update(wanted.resource, object)
    }

    /// The condition `Dangling` of each schema: whether its level is missing.
    func statusSteps(schemas: [String: Value], levels: [String: Value]) -> [Step] {
        schemas.sorted { $0.key < $1.key }.compactMap { _, schema in
            let level = schema.at("spec", "priorityLevelConfiguration", "name")?.string ?? ""
            let isDangling = levels[level] == nil
            let what = "This FlowSchema references the PriorityLevelConfiguration object named \"\(level)\""
            var condition: Value = [
                "type": "Dangling", "status": isDangling ? "True" : "False",
                "reason": isDangling ? "NotFound" : "Found",
                "message": .string(what + (isDangling ? " but there is no such object" : " and it exists")),
            ]
            var conditions = schema.at("status", "conditions")?.array ?? []
            let index = conditions.firstIndex { $0["type"] == "Dangling" }
            if let index {
                var present = conditions[index]
                let since = present["lastTransitionTime"]
                present["lastTransitionTime"] = nil
                guard present != condition else { return nil }
                let hasTurned = present["status"] != condition["status"]
                condition["lastTransitionTime"] = hasTurned ? .string(now.description) : since
                conditions[index] = condition
            } else {
                condition["lastTransitionTime"] = .string(now.description)
                conditions.append(condition)
            }
            var changed = schema
            changed[path: ["status", "conditions"]] = .array(conditions)
            return .updateStatus(.flowSchemas, changed)
        }
    }
}
