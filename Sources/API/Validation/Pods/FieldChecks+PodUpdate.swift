import APIMachinery

// A running pod is what it is: images may be changed, tolerations added, its deadline brought nearer, gates lifted.
extension FieldChecks {
    private static let unchangeable =
        "pod updates may not change fields other than `spec.containers[*].image`,"
        + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),"
        + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

    mutating func podUpdate(_ new: Value, _ old: Value) {
        podAnnotationUpdate(new.at("metadata", "annotations"), old.at("metadata", "annotations"))
        let (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        guard proposed != current else { return }
        for list in ["containers", "initContainers"]
        where proposed[list].items.count != current[list].items.count {
            return forbid("spec.\(list)", "pod updates may not add or remove containers")
        }
        guard deadline(proposed["activeDeadlineSeconds"], current["activeDeadlineSeconds"]) else { return }
        addedTolerations(proposed["tolerations"], current["tolerations"])
        liftedGates(proposed["schedulingGates"], current["schedulingGates"])
        var rest = proposed
        for list in ["containers", "initContainers"] { Self.keepImages(&rest, list, of: current) }
        for key in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] { rest[key] = current[key] }
        if let grace = current["terminationGracePeriodSeconds"]?.integer, grace < 0,
            rest["terminationGracePeriodSeconds"] == 1
        {
            rest["terminationGracePeriodSeconds"] = current["terminationGracePeriodSeconds"]
        }
        if current["schedulingGates"].isFilled { gatedChanges(&rest, current) }
        guard rest != current else { return }
        forbid("spec", Self.unchangeable + "\n" + Difference.text(from: current, to: rest))
    }

    /// What the kubelet made of a static pod's file says so for ever.
    private mutating func podAnnotationUpdate(_ new: Value?, _ old: Value?) {
        let mirror = "kubernetes.io/config.mirror"
        let appArmor = "container.apparmor.security.beta.kubernetes.io/"
        for (key, value) in old.entries where new[key] != value {
            if key.hasPrefix(appArmor) {
                forbid("metadata.annotations[\(key)]", "may not remove or update AppArmor annotations")
            } else if key == mirror {
                forbid("metadata.annotations[\(key)]", "may not remove or update mirror pod annotation")
            }
        }
        for key in new.entries.keys where old[key] == nil {
            if key.hasPrefix(appArmor) {
                forbid("metadata.annotations[\(key)]", "may not add AppArmor annotations")
            } else if key == mirror {
                forbid("metadata.annotations[\(key)]", "may not add mirror pod annotation")
            }
        }
    }

    /// Whether the deadline is as it must be: it may be set, and brought nearer.
    private mutating func deadline(_ new: Value?, _ old: Value?) -> Bool {
        let path = "spec.activeDeadlineSeconds"
        guard let seconds = new?.integer else {
            if old != nil { invalid(path, .null, "must not update from a positive integer to nil value") }
            return true
        }
        if !(0...Int64(Int32.max)).contains(seconds) {
            invalid(path, new, NameProblem.outOfRange(0, Int(Int32.max)))
            return false
        }
        guard let before = old?.integer, before < seconds else { return true }
        invalid(path, new, "must be less than or equal to previous value")
        return false
    }

    /// The seconds of a toleration that stays may be changed.
    private mutating func addedTolerations(_ new: Value?, _ old: Value?) {
        func withoutSeconds(_ toleration: Value) -> Value {
            var toleration = toleration
            toleration["tolerationSeconds"] = nil
            return toleration
        }
        guard new != old else { return }
        let present = Set(new.items.map(withoutSeconds))
        guard !old.items.allSatisfy({ present.contains(withoutSeconds($0)) }) else { return }
        forbid("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
    }

    private mutating func liftedGates(_ new: Value?, _ old: Value?) {
        let before = Set(old.items.map { $0["name"].text })
        for (gate, path) in new.elements("spec.schedulingGates") where !before.contains(gate["name"].text) {
            let why = "only deletion is allowed, but found new scheduling gate '\(gate["name"].text)'"
            forbid(path + ".name", why)
        }
    }

    private static func keepImages(_ spec: inout Value, _ list: String, of current: Value) {
        guard let containers = spec[list]?.array else { return }
        let old = current[list].items
        spec[list] = .array(
            zip(containers, old).map { container, before in
                var container = container
                container["image"] = before["image"]
                return container
            })
    }

    // MARK: - Pods that may not be scheduled yet (KEP-3838)

    /// While gates hold a pod back it may be steered to fewer nodes. Takes the changes that are allowed out of `spec`.
    private mutating func gatedChanges(_ spec: inout Value, _ current: Value) {
        if spec["nodeSelector"] != current["nodeSelector"] {
            let isNarrowed = current["nodeSelector"].entries.allSatisfy { spec["nodeSelector"][$0.key] == $0.value }
            if !isNarrowed {
                let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
                invalid("spec.nodeSelector", spec["nodeSelector"] ?? .emptyObject, why)
            }
            spec["nodeSelector"] = current["nodeSelector"]
        }
        let (new, old) = (spec["affinity"]["nodeAffinity"], current["affinity"]["nodeAffinity"])
        guard new != old else { return }
        narrowedAffinity(new, old)
        var affinity = spec["affinity"] ?? .emptyObject
        affinity["nodeAffinity"] = old
        spec["affinity"] = current["affinity"] == nil && affinity.fields?.isEmpty == true ? nil : affinity
    }

    private mutating func narrowedAffinity(_ new: Value?, _ old: Value?) {
        let key = "requiredDuringSchedulingIgnoredDuringExecution"
        let (terms, before) = (new[key]["nodeSelectorTerms"].items, old[key]["nodeSelectorTerms"].items)
        guard !before.isEmpty else { return }
        let path = "spec.affinity.nodeAffinity.\(key).nodeSelectorTerms"
        guard terms.count == before.count else {
            let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
            return invalid(path, .array(terms), why)
        }
        for (index, (term, earlier)) in zip(terms, before).enumerated() where !Self.onlyAdds(term, to: earlier) {
            invalid("\(path)[\(index)]", term, "only additions are allowed (no mutations or deletions)")
        }
    }

    private static func onlyAdds(_ term: Value, to earlier: Value) -> Bool {
        let lists = ["matchExpressions", "matchFields"]
        if lists.allSatisfy({ earlier[$0].items.isEmpty }) { return lists.allSatisfy { term[$0].items.isEmpty } }
        return lists.allSatisfy { term[$0].items.starts(with: earlier[$0].items) }
    }
}
