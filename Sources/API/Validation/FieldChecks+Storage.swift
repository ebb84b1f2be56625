import APIMachinery

extension FieldChecks {
    mutating func volumeClaim(_ spec: Value, _ path: String) {
        require(spec["accessModes"], path + ".accessModes", "at least 1 access mode is required")
        accessModes(spec["accessModes"], path + ".accessModes")
        if let selector = spec["selector"] { self.selector(selector, path + ".selector") }
        guard let storage = spec.at("resources", "requests", "storage") else {
            add(.required(path + ".resources[storage]"))
            return
        }
        positive(storage, path + ".resources[storage]")
        let storageClass = spec["storageClassName"]?.string ?? ""
        if !storageClass.isEmpty { name(storageClass, .dns1123Subdomain, path + ".storageClassName") }
    }

    /// A claim gets its volume and class once; only what is bound may grow.
    mutating func volumeClaimUpdate(_ new: Value, _ old: Value) {
        var (proposed, current) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        let isBound = old.at("status", "phase")?.string == "Bound"
        if current["volumeName"].isUnset { (proposed["volumeName"], current["volumeName"]) = (nil, nil) }
        if current["storageClassName"] == nil { proposed["storageClassName"] = nil }
        if isBound {
            let before = current.at("resources", "requests", "storage").flatMap { try? Quantity(json: $0) }
            let after = proposed.at("resources", "requests", "storage").flatMap { try? Quantity(json: $0) }
            let granted = old.at("status", "capacity", "storage").flatMap { try? Quantity(json: $0) }
            if let before, let after, after < before, after < (granted ?? before) {
                add(
                    .forbidden(
                        "spec.resources.requests.storage", "field can not be less than status.capacity"))
            }
            for key in ["resources", "volumeAttributesClassName"] {
                (proposed[key], current[key]) = (nil, nil)
            }
        }
        guard proposed != current else { return }
        add(
            .forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            ))
    }

    /// What a volume's spec holds beside its source.
    private static let volumeSettings: Set<String> = [
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    ]

    mutating func volume(_ volume: Value) {
        let spec = volume["spec"] ?? .emptyObject
        require(spec["accessModes"], "spec.accessModes")
        accessModes(spec["accessModes"], "spec.accessModes")
        if require(spec["capacity"], "spec.capacity") {
            if let storage = spec.at("capacity", "storage") {
                positive(storage, "spec.capacity[storage]")
            } else {
                add(.notSupported("spec.capacity", value: spec["capacity"] ?? .null, supported: ["storage"]))
            }
        }
        let sources = (spec.fields?.keys ?? []).filter { !Self.volumeSettings.contains($0) }
        if sources.isEmpty { add(.required("spec", "must specify a volume type")) }
        for source in sources.dropFirst() {
            add(.forbidden("spec.\(source)", "may not specify more than 1 volume type"))
        }
        if let host = spec["hostPath"], require(host["path"], "spec.hostPath.path") {
            noBackSteps(host["path"]?.string ?? "", "spec.hostPath.path")
        }
        if let local = spec["local"] {
            require(local["path"], "spec.local.path")
            if spec["nodeAffinity"] == nil {
                add(.required("spec.nodeAffinity", "Local volume requires node affinity"))
            }
        }
    }

    mutating func volumeUpdate(_ new: Value, _ old: Value) {
        func source(_ object: Value) -> Value {
            var spec = object["spec"] ?? .emptyObject
            for key in Self.volumeSettings { spec[key] = nil }
            return spec
        }
        if source(new) != source(old) {
            add(
                .forbidden(
                    "spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"))
        }
        immutable(new.at("spec", "volumeMode"), old.at("spec", "volumeMode"), "spec.volumeMode")
        if let affinity = old.at("spec", "nodeAffinity") {
            immutable(new.at("spec", "nodeAffinity"), affinity, "spec.nodeAffinity")
        }
    }

    mutating func storageClassUpdate(_ new: Value, _ old: Value) {
        for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]
        where new[key] != old[key] {
            if key == "volumeBindingMode" {
                immutable(new[key], old[key], key)
            } else {
                add(.forbidden(key, "updates to \(key) are forbidden."))
            }
        }
    }

    private mutating func accessModes(_ modes: Value?, _ path: String) {
        let texts = (modes?.array ?? []).compactMap(\.string)
        guard texts.contains("ReadWriteOncePod"), texts.count > 1 else { return }
        add(.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    }

    private mutating func positive(_ amount: Value, _ path: String) {
        guard let quantity = try? Quantity(json: amount), quantity.sign <= 0 else { return }
        invalid(path, amount, "must be greater than zero")
    }
}
