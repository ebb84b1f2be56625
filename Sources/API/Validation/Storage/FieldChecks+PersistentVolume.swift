import APIMachinery

// Volumes that exist by themselves.
extension FieldChecks {
    /// What a volume's spec holds beside its source.
    private static let volumeSettings: Set<String> = [
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    ]

    mutating func volume(_ volume: Value) {
        volumeSpec(volume["spec"] ?? .emptyObject, "spec", name: volume.at("metadata", "name").text)
    }

    private mutating func volumeSpec(_ spec: Value, _ path: String, name: String) {
        require(spec["accessModes"], path + ".accessModes")
        accessModes(spec["accessModes"], path + ".accessModes")
        capacity(spec["capacity"], path + ".capacity")
        if let affinity = spec["nodeAffinity"] {
            if affinity["required"] == nil {
                missing(path + ".nodeAffinity.required", "must specify required node constraints")
            } else {
                nodeSelector(affinity["required"], path + ".nodeAffinity.required")
            }
        }
        volumeSources(spec, path, name: name)
        if spec["local"] != nil, spec["nodeAffinity"] == nil {
            missing(path + ".nodeAffinity", "Local volume requires node affinity")
        }
        let root = spec["hostPath"]["path"].text
        if !root.isEmpty, root.allSatisfy({ $0 == "/" }), spec["persistentVolumeReclaimPolicy"].text == "Recycle" {
            let why = "may not be 'recycle' for a hostPath mount of '/'"
            forbid(path + ".persistentVolumeReclaimPolicy", why)
        }
        optionalName(spec["storageClassName"], .dns1123Subdomain, path + ".storageClassName")
        guard let attributes = spec["volumeAttributesClassName"] else { return }
        let field = path + ".volumeAttributesClassName"
        if require(attributes, field, "an empty string is disallowed") {
            self.name(attributes.string ?? "", .dns1123Subdomain, field)
        }
        if spec["csi"] == nil {
            missing(path + ".csi", "has to be specified when using volumeAttributesClassName")
        }
    }

    /// Storage, and nothing else.
    private mutating func capacity(_ capacity: Value?, _ path: String) {
        require(capacity, path)
        if capacity["storage"] == nil || capacity.entries.count > 1 {
            unsupported(path, capacity ?? .null, ["storage"])
        }
        for (name, amount) in capacity.entries { positive(amount, "\(path)[\(name)]") }
    }

    private static let sources = [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
        "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
        "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
    ]

    private mutating func volumeSources(_ spec: Value, _ path: String, name: String) {
        let present = Self.sources.filter { spec[$0] != nil }
        guard let source = present.first else { return missing(path, "must specify a volume type") }
        for other in present.dropFirst() {
            forbid("\(path).\(Self.oddNames[other] ?? other)", "may not specify more than 1 volume type")
        }
        let (value, path) = (spec[source] ?? .emptyObject, "\(path).\(Self.pathNames[source] ?? source)")
        if source == "csi" {
            csi(value, path)
        } else {
            storageSource(source, value, path, objectName: name, isPersistent: true)
        }
    }

    private mutating func csi(_ value: Value, _ path: String) {
        driverName(value["driver"], path + ".driver")
        require(value["volumeHandle"], path + ".volumeHandle")
        for key in [
            "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef",
        ] {
            guard let secret = value[key] else { continue }
            requiredName(secret["name"], .dns1123Subdomain, "\(path).\(key).name")
            requiredName(secret["namespace"], .dns1123Label, "\(path).\(key).namespace")
        }
    }

    /// A volume that an attachment describes itself, for volumes that were moved to a driver.
    mutating func inlineVolume(_ spec: Value, _ path: String) {
        let why = "may not be specified in the context of inline volumes"
        for key in ["claimRef", "capacity", "nodeAffinity", "storageClassName"] where spec[key].isFilled {
            forbid("\(path).\(key)", why)
        }
        if let csi = spec["csi"] {
            self.csi(csi, path + ".csi")
        } else {
            missing(path + ".csi", "has to be specified in the context of inline volumes")
        }
        require(spec["accessModes"], path + ".accessModes")
        if !["", "Retain"].contains(spec["persistentVolumeReclaimPolicy"].text) {
            let why = "may only be Retain in the context of inline volumes"
            forbid(path + ".persistentVolumeReclaimPolicy", why)
        }
        if !["", "Filesystem"].contains(spec["volumeMode"].text) {
            let why = "may not specify volumeMode other than Filesystem in the context of inline volumes"
            forbid(path + ".volumeMode", why)
        }
    }

    // MARK: - Updates

    mutating func volumeUpdate(_ new: Value, _ old: Value) {
        let (spec, before) = (new["spec"], old["spec"])
        var (source, sourceBefore) = (Self.source(of: spec), Self.source(of: before))
        // A driver that learns to grow volumes needs a secret that older volumes lack.
        let secret = ["csi", "controllerExpandSecretRef"]
        if sourceBefore["csi"] != nil, sourceBefore[path: secret] == nil { source[path: secret] = nil }
        if source != sourceBefore {
            let why = "spec.persistentvolumesource is immutable after creation\n"
            forbid("spec.persistentvolumesource", why + Difference.text(from: sourceBefore, to: source))
            sourceBefore = source
        }
        immutable(spec["volumeMode"], before["volumeMode"], "volumeMode")
        if let affinity = before["nodeAffinity"], Self.withStableLabels(affinity) != spec["nodeAffinity"].map(Self.withStableLabels) {
            let why = "field is immutable, except for updating from beta label to GA"
            invalid("nodeAffinity", spec["nodeAffinity"] ?? .null, why)
        }
        if before["volumeAttributesClassName"] != nil, spec["volumeAttributesClassName"] == nil {
            forbid("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        }
    }

    private static func source(of spec: Value?) -> Value {
        var spec = spec ?? .emptyObject
        for key in volumeSettings { spec[key] = nil }
        return spec
    }

    /// The labels that older nodes had, by what they are called now.
    private static let stableLabels = [
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
        "beta.kubernetes.io/os": "kubernetes.io/os", "beta.kubernetes.io/arch": "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    ]

    private static func withStableLabels(_ value: Value) -> Value {
        switch value {
        case .array(let items): return .array(items.map(withStableLabels))
        case .object(let fields):
            var changed = Value.object(fields.mapValues(withStableLabels))
            if let label = stableLabels[changed["key"].text] { changed["key"] = .string(label) }
            return changed
        default: return value
        }
    }
}
