import APIMachinery

// Classes of storage, and what drivers say of themselves.
extension FieldChecks {
    mutating func storageClass(_ storageClass: Value) {
        provisioner(storageClass["provisioner"], "provisioner")
        parameters(storageClass["parameters"], isRequired: false)
        if storageClass["reclaimPolicy"].text == "Recycle" {
            unsupported("reclaimPolicy", "Recycle", ["Delete", "Retain"])
        }
        require(storageClass["volumeBindingMode"], "volumeBindingMode")
        var terms: Set<Value> = []
        for (term, path) in storageClass["allowedTopologies"].elements("allowedTopologies") {
            topologySelectorTerm(term, path)
            if !terms.insert(term).inserted { duplicate(path + ".matchLabelExpressions", "") }
        }
    }

    mutating func storageClassUpdate(_ new: Value, _ old: Value) {
        for key in ["parameters", "provisioner", "reclaimPolicy"] where new[key] != old[key] {
            forbid(key, "updates to \(key) are forbidden.")
        }
        immutable(new["volumeBindingMode"], old["volumeBindingMode"], "volumeBindingMode")
    }

    mutating func attributesClass(_ attributesClass: Value) {
        provisioner(attributesClass["driverName"], "driverName")
        parameters(attributesClass["parameters"], isRequired: true)
    }

    mutating func attributesClassUpdate(_ new: Value, _ old: Value) {
        for key in ["driverName", "parameters"] where new[key] != old[key] {
            forbid(key, "updates to \(key) are forbidden.")
        }
    }

    private mutating func provisioner(_ value: Value?, _ path: String) {
        guard require(value, path) else { return }
        name(value.text.lowercased(), .qualifiedName, path)
    }

    private static let parameterLimit = 512
    private static let parameterSizeLimit = 256 * 1024

    private mutating func parameters(_ parameters: Value?, isRequired: Bool) {
        let fields = parameters.entries
        if fields.count > Self.parameterLimit { return add(.tooLong("parameters", limit: Self.parameterLimit)) }
        var size = 0
        for (key, value) in fields {
            if key.isEmpty { invalid("parameters", "", "field can not be empty.") }
            size += key.utf8.count + (value.string ?? "").utf8.count
        }
        if size > Self.parameterSizeLimit { add(.tooLong("parameters", limit: Self.parameterSizeLimit)) }
        if isRequired, fields.isEmpty { missing("parameters", "must contain at least one key/value pair") }
    }

    // MARK: - Drivers

    mutating func driver(_ driver: Value) {
        let spec = driver["spec"]
        for (key, name) in [("attachRequired", "attachedRequired"), ("podInfoOnMount", "podInfoOnMount"),
            ("storageCapacity", "storageCapacity"), ("seLinuxMount", "seLinuxMount")] where spec[key] == nil {
            missing("spec.\(name)")
        }
        oneOf(spec["fsGroupPolicy"], ["File", "None", "ReadWriteOnceWithFSType"], "spec.fsGroupPolicy")
        for mode in spec["volumeLifecycleModes"].items {
            oneOf(mode, ["Persistent", "Ephemeral"], "spec.volumeLifecycleModes")
        }
        var audiences: Set<String> = []
        for (request, path) in spec["tokenRequests"].elements("spec.tokenRequests") {
            let audience = request["audience"].text
            guard audiences.insert(audience).inserted else {
                duplicate(path + ".audience", .string(audience))
                continue
            }
            lifetime(request["expirationSeconds"], path + ".expirationSeconds")
        }
        let period = spec["nodeAllocatableUpdatePeriodSeconds"]
        if let seconds = period?.integer, seconds < 10 {
            let why = "must be greater than or equal to 10 seconds"
            invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why)
        }
    }

    mutating func driverUpdate(_ new: Value, _ old: Value) {
        let (spec, before) = (new["spec"], old["spec"])
        immutable(spec["attachRequired"], before["attachRequired"], "spec.attachedRequired")
        immutable(spec["volumeLifecycleModes"], before["volumeLifecycleModes"], "spec.volumeLifecycleModes")
    }

    private static let longestNodeID = 256

    /// The drivers of one node.
    mutating func driversOfNode(_ node: Value) {
        var names: Set<String> = []
        for (driver, path) in node.at("spec", "drivers").elements("spec.drivers") {
            driverName(driver["name"], path + ".name")
            let id = driver["nodeID"].text
            require(.string(id), path + ".nodeID")
            if id.utf8.count > Self.longestNodeID {
                let why = "must be \(Self.longestNodeID) characters or less"
                invalid(path + ".nodeID", .string(id), why)
            }
            notNegative(driver["allocatable"]["count"], path + ".allocatable.count")
            if !names.insert(driver["name"].text).inserted { duplicate(path + ".name", driver["name"]) }
            var keys: Set<String> = []
            for key in driver["topologyKeys"].items.map({ $0.string ?? "" }) {
                if key.isEmpty { missing(path) }
                if !keys.insert(key).inserted { duplicate(path, .string(key)) }
                name(key, .qualifiedName, path)
            }
        }
    }

    /// What a driver said of itself holds until it is gone, but for how many volumes it can take.
    mutating func driversOfNodeUpdate(_ new: Value, _ old: Value) {
        func withoutCount(_ driver: Value) -> Value {
            var driver = driver
            driver["allocatable"] = nil
            return driver
        }
        for driver in new.at("spec", "drivers").items {
            for before in old.at("spec", "drivers").items where before["name"] == driver["name"] {
                immutable(withoutCount(driver), withoutCount(before), "spec.drivers")
            }
        }
    }

    mutating func storageCapacity(_ capacity: Value) {
        selector(capacity["nodeTopology"], "nodeTopology")
        name(capacity["storageClassName"].text, .dns1123Subdomain, "storageClassName")
        if let amount = capacity["capacity"], Optional(amount).quantity?.sign ?? 0 < 0 {
            invalid("capacity", amount, "must be greater than or equal to 0")
        }
    }

    mutating func storageCapacityUpdate(_ new: Value, _ old: Value) {
        for key in ["nodeTopology", "storageClassName"] { immutable(new[key], old[key], key) }
    }

    // MARK: - Attachments

    mutating func attachment(_ attachment: Value) {
        let spec = attachment["spec"]
        driverName(spec["attacher"], "spec.attacher")
        name(spec["nodeName"].text, .dns1123Subdomain, "spec.nodeName")
        let (inline, volume) = (spec["source"]["inlineVolumeSpec"], spec["source"]["persistentVolumeName"])
        let why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        switch (inline, volume?.string) {
        case (nil, nil): missing("spec.source", why)
        case (_?, _?): forbid("spec.source", why)
        case (let inline?, nil): inlineVolume(inline, "spec.source.inlineVolumeSpec")
        case (nil, let name?):
            let path = "spec.source.persistentVolumeName"
            if require(.string(name), path, "must specify non empty persistentVolumeName") {
                self.name(name, .dns1123Subdomain, path)
            }
        }
    }

    private static let largestAttachmentMetadata = 256 * 1024
    private static let longestVolumeError = 1024

    mutating func attachmentUpdate(_ new: Value, _ old: Value) {
        immutable(new["spec"], old["spec"], "spec")
        let status = new["status"]
        guard status != old["status"] else { return }
        for key in ["attachError", "detachError"]
        where status[key]["message"].text.utf8.count > Self.longestVolumeError {
            add(.tooLong("status.\(key).message", limit: Self.longestVolumeError))
        }
        let size = status["attachmentMetadata"].entries.reduce(0) { sum, entry in
            sum + entry.key.utf8.count + (entry.value.string ?? "").utf8.count
        }
        if size > Self.largestAttachmentMetadata {
            add(.tooLong("status.attachmentMetadata", limit: Self.largestAttachmentMetadata))
        }
    }
}
