import APIMachinery

// Claims of storage.
extension FieldChecks {
    mutating func volumeClaim(_ spec: Value, _ path: String) {
        require(spec["accessModes"], path + ".accessModes", "at least 1 access mode is required")
        accessModes(spec["accessModes"], path + ".accessModes")
        selector(spec["selector"], path + ".selector")
        if let storage = spec["resources"]["requests"]["storage"] {
            positive(storage, path + ".resources[storage]")
        } else {
            missing(path + ".resources[storage]")
        }
        optionalName(spec["storageClassName"], .dns1123Subdomain, path + ".storageClassName")
        optionalName(spec["volumeAttributesClassName"], .dns1123Subdomain, path + ".volumeAttributesClassName")
        dataSources(spec, path)
    }

    mutating func accessModes(_ modes: Value?, _ path: @autoclosure () -> String) {
        let texts = modes.items.map { $0.string ?? "" }
        let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
        for (index, text) in texts.enumerated() where !known.contains(text) {
            // Of the list, not of its element.
            let path = path()
            unsupported(path, .string(text), known)
            settle("\(path)[\(index)]")
        }
        guard texts.count > 1, texts.contains("ReadWriteOncePod") else { return }
        guard texts.contains(where: { ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"].contains($0) }) else { return }
        forbid(path(), "may not use ReadWriteOncePod with other access modes")
    }

    mutating func positive(_ amount: Value, _ path: @autoclosure () -> String) {
        guard let quantity = Optional(amount).quantity, quantity.sign <= 0 else { return }
        invalid(path(), amount, "must be greater than zero")
    }

    /// What the volume is filled with: the old field and the new one say the same (KEP-1495).
    private mutating func dataSources(_ spec: Value, _ path: String) {
        let (source, reference) = (spec["dataSource"], spec["dataSourceRef"])
        if let source { dataSource(source, path + ".dataSource") }
        guard let reference else { return }
        dataSource(reference, path + ".dataSourceRef")
        let namespace = reference["namespace"].text
        optionalName(.string(namespace), .dns1123Label, path + ".dataSourceRef.namespace")
        guard let source else { return }
        let field = Value.string(path + ".dataSource")
        if !namespace.isEmpty {
            invalid(path, field, "may not be specified when dataSourceRef.namespace is specified")
        } else if ["apiGroup", "kind", "name"].contains(where: { source[$0] != reference[$0] }) {
            invalid(path, field, "must match dataSourceRef")
        }
    }

    private mutating func dataSource(_ source: Value, _ path: String) {
        require(source["name"], path + ".name")
        require(source["kind"], path + ".kind")
        let group = source["apiGroup"].text
        if group.isEmpty, source["kind"].text != "PersistentVolumeClaim" {
            invalid(path, source["kind"], "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
        }
        optionalName(.string(group), .dns1123Subdomain, path + ".apiGroup")
    }

    // MARK: - Updates

    private static let unchangeable =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"

    /// A claim gets its volume and class once; only what is bound may grow.
    mutating func volumeClaimUpdate(_ new: Value, _ old: Value) {
        let (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        storageClassAnnotation(new, old)
        if new["status"] != old["status"] { claimStatus(new["status"]) }
        let isBound = old.at("status", "phase").text == "Bound"
        var rest = proposed
        if current["volumeName"].isUnset { rest["volumeName"] = current["volumeName"] }
        if current["storageClassName"] == nil { rest["storageClassName"] = nil }
        if isBound {
            if rest["resources"]["requests"] != nil {
                rest[path: ["resources", "requests", "storage"]] = current.at("resources", "requests", "storage")
            }
            rest["volumeAttributesClassName"] = current["volumeAttributesClassName"]
        }
        if rest != current { forbid("spec", Self.unchangeable + "\n" + Difference.text(from: current, to: rest)) }
        claimSize(proposed, current, granted: old.at("status", "capacity", "storage"))
        immutable(proposed["volumeMode"], current["volumeMode"], "volumeMode")
        guard let attributes = current["volumeAttributesClassName"], attributes != proposed["volumeAttributesClassName"]
        else { return }
        switch proposed["volumeAttributesClassName"] {
        case nil: forbid("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        case "": forbid("spec.volumeAttributesClassName", "update from non-nil value to an empty string is forbidden")
        default: break
        }
    }

    /// Less may be asked for only to take back what was not granted yet (KEP-1790).
    private mutating func claimSize(_ new: Value, _ old: Value, granted: Value?) {
        guard let after = new["resources"]["requests"]["storage"].quantity,
            let before = old["resources"]["requests"]["storage"].quantity, after < before,
            after <= granted.quantity ?? .zero
        else { return }
        forbid("spec.resources.requests.storage", "field can not be less than status.capacity")
    }

    private static let resizeStates = [
        "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
        "NodeResizePending",
    ]

    /// What a claim has, and what of it is on its way (KEP-1790).
    private mutating func claimStatus(_ status: Value?) {
        for (key, amount) in status["capacity"].entries { claimAmount(amount, "status.capacity[\(key)]") }
        for (key, state) in status["allocatedResourceStatuses"].entries {
            // Kubernetes names the field so.
            let path = "status.allocatedResourceStatus"
            claimResource(key, path)
            if !Self.resizeStates.contains(state.string ?? "") { unsupported(path, .string(key), Self.resizeStates) }
        }
        for (key, amount) in status["allocatedResources"].entries {
            let path = "status.allocatedResources"
            if claimResource(key, path) { claimAmount(amount, "\(path)[\(key)]") }
        }
    }

    private mutating func claimAmount(_ amount: Value, _ path: String) {
        guard let quantity = Optional(amount).quantity, quantity.sign < 0 else { return }
        invalid(path, amount, "must be a valid resource quantity")
    }

    /// Of Kubernetes' own resources a claim has storage alone. Whether the name is good.
    @discardableResult
    private mutating func claimResource(_ key: String, _ path: String) -> Bool {
        let problems = NameRule.qualifiedName.problems(in: key)
        for problem in problems { invalid(path, .string(key), problem) }
        guard problems.isEmpty else { return false }
        guard ComputeResource(key).isNative, key != "storage" else { return true }
        unsupported(path, .string(key), ["storage"])
        return false
    }

    /// The class was an annotation once; it must not change there either.
    private mutating func storageClassAnnotation(_ new: Value, _ old: Value) {
        let key = "volume.beta.kubernetes.io/storage-class"
        let (now, before) = (new.at("metadata", "annotations", key), old.at("metadata", "annotations", key))
        let becomesField = before != nil && old.at("spec", "storageClassName") == nil
            && new.at("spec", "storageClassName") == before && (now == nil || now == before)
        guard !becomesField, now.text != before.text else { return }
        invalid("metadata.annotations.\(key)", now ?? "", "field is immutable")
    }
}
