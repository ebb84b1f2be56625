import APIMachinery

// What volumes are made of outside of the cluster: the same for volumes of pods and persistent volumes, but for where
// their secrets are.
extension FieldChecks {
    /// The fields that each source must have.
    private static let requiredFields: [String: [String]] = [
        "gitRepo": ["repository"], "gcePersistentDisk": ["pdName"], "awsElasticBlockStore": ["volumeID"],
        "glusterfs": ["endpoints", "path"], "rbd": ["monitors", "image"], "cinder": ["volumeID"],
        "cephfs": ["monitors"], "flexVolume": ["driver"], "azureFile": ["secretName", "shareName"],
        "azureDisk": ["diskName", "diskURI"], "vsphereVolume": ["volumePath"], "photonPersistentDisk": ["pdID"],
        "portworxVolume": ["volumeID"], "scaleIO": ["gateway", "system", "volumeName"],
        "iscsi": ["targetPortal", "iqn"], "nfs": ["server", "path"], "quobyte": ["volume"],
    ]

    /// `objectName` is the name of the volume, `isPersistent` whether it is an object of its own.
    mutating func storageSource(
        _ source: String, _ value: Value, _ path: String, objectName: String, isPersistent: Bool
    ) {
        for field in Self.requiredFields[source] ?? [] { require(value[field], "\(path).\(field)") }
        switch source {
        case "hostPath": hostPath(value, path)
        case "local":
            if require(value["path"], path + ".path") { noBackSteps(value["path"].text, path + ".path") }
        case "nfs":
            guard !value["path"].text.hasPrefix("/") else { break }
            invalid(path + ".path", .string(value["path"].text), "must be an absolute path")
        case "gitRepo": descendingPath(value["directory"].text, path + ".directory")
        case "gcePersistentDisk", "awsElasticBlockStore":
            guard let number = value["partition"]?.integer, !(0...255).contains(number) else { break }
            invalid(path + ".partition", value["partition"], NameProblem.outOfRange(1, 255))
        case "iscsi": iscsi(value, path, objectName, isPersistent: isPersistent)
        case "fc": fibreChannel(value, path)
        case "flocker": flocker(value, path)
        case "quobyte": quobyte(value, path)
        case "flexVolume": flexOptions(value["options"], path)
        case "cinder": secretReference(value["secretRef"], path, needsNamespace: isPersistent)
        case "storageos":
            requiredName(value["volumeName"], .dns1123Label, path + ".volumeName")
            optionalName(value["volumeNamespace"], .dns1123Label, path + ".volumeNamespace")
            secretReference(value["secretRef"], path, needsNamespace: isPersistent)
        case "azureDisk": azureDisk(value, path)
        case "azureFile":
            if let namespace = value["secretNamespace"] { require(namespace, path + ".secretNamespace") }
        case "glusterfs":
            guard let namespace = value["endpointsNamespace"] else { break }
            if namespace == "" {
                let why = "if the endpointnamespace is set, it must be a valid namespace name"
                invalid(path + ".endpointsNamespace", "", why)
            } else {
                name(namespace.string ?? "", .dns1123Label, path + ".endpointsNamespace")
            }
        default: break
        }
    }

    mutating func hostPath(_ value: Value, _ path: String) {
        guard require(value["path"], path + ".path") else { return }
        noBackSteps(value["path"].text, path + ".path")
    }

    /// The name of a driver: a subdomain that may have capitals.
    mutating func driverName(_ value: Value?, _ path: @autoclosure () -> String) {
        let text = value.text
        require(value, path())
        if text.utf8.count > 63 { add(.tooLong(path(), limit: 63)) }
        for problem in NameRule.dns1123Subdomain.problems(in: text.lowercased()) {
            invalid(path(), .string(text), problem)
        }
    }

    private mutating func secretReference(_ secret: Value?, _ path: String, needsNamespace: Bool) {
        guard let secret else { return }
        require(secret["name"], path + ".secretRef.name")
        if needsNamespace { require(secret["namespace"], path + ".secretRef.namespace") }
    }

    // MARK: - Single sources

    private static let iscsiTooLong =
        "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
        + "specified."

    private mutating func iscsi(_ value: Value, _ path: String, _ name: String, isPersistent: Bool) {
        let portal = value["targetPortal"].text
        if !value["iqn"].text.isEmpty { iscsiName(value["iqn"].text, path + ".iqn") }
        range(value["lun"], 0, 255, path + ".lun")
        let usesSecret = value["chapAuthDiscovery"].isTrue || value["chapAuthSession"].isTrue
        if usesSecret, value["secretRef"] == nil { missing(path + ".secretRef") }
        if isPersistent, let secret = value["secretRef"] { require(secret["name"], path + ".secretRef.name") }
        guard let initiator = value["initiatorName"]?.string else { return }
        iscsiName(initiator, path + ".initiatorname")
        guard name.utf8.count + 1 + portal.utf8.count > 64 else { return }
        if isPersistent {
            invalid(path + ".targetportal", .string(portal), Self.iscsiTooLong)
        } else {
            invalid(String(path.dropLast("iscsi".count)) + "name", .string(name), Self.iscsiTooLong)
        }
    }

    /// `iqn.2001-04.com.example:disk`, `eui.` and 16 digits, or `naa.` and 32 (RFC 3720, section 3.2.6.3).
    private mutating func iscsiName(_ text: String, _ path: String) {
        let kind = text.prefix(3)
        guard ["iqn", "eui", "naa"].contains(kind) else {
            return invalid(path, .string(text), "must be valid format starting with iqn, eui, or naa")
        }
        let rest = text.dropFirst(4)
        let isGood: Bool
        if kind == "iqn" {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let date = parts[0].prefix { $0 != "." }
            let isDate = date.count == 7 && date.enumerated().allSatisfy { $0.offset == 4 ? $0.element == "-" : $0.element.isNumber }
            isGood = isDate && parts[0].count > 8 && parts.count == 2 && !parts[1].isEmpty
                && !parts[1].contains { ",;*&$|".contains($0) || $0.isWhitespace }
        } else {
            isGood = rest.count == (kind == "eui" ? 16 : 32) && rest.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        }
        if !isGood { invalid(path, .string(text), "must be valid format") }
    }

    private mutating func fibreChannel(_ value: Value, _ path: String) {
        let (targets, names) = (value["targetWWNs"], value["wwids"])
        if !targets.isFilled, !names.isFilled {
            missing(path + ".targetWWNs", "must specify either targetWWNs or wwids, but not both")
        }
        if targets.isFilled, names.isFilled {
            invalid(path + ".targetWWNs", targets, "targetWWNs and wwids can not be specified simultaneously")
        }
        guard targets.isFilled else { return }
        if value["lun"] == nil {
            missing(path + ".lun", "lun is required if targetWWNs is specified")
        } else {
            range(value["lun"], 0, 255, path + ".lun")
        }
    }

    private mutating func flocker(_ value: Value, _ path: String) {
        let (name, id) = (value["datasetName"].text, value["datasetUUID"].text)
        if name.isEmpty, id.isEmpty { missing(path, "one of datasetName and datasetUUID is required") }
        if !name.isEmpty, !id.isEmpty {
            invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
        }
        if name.contains("/") { invalid(path + ".datasetName", .string(name), "must not contain '/'") }
    }

    private mutating func quobyte(_ value: Value, _ path: String) {
        let why = "must be a host:port pair or multiple pairs separated by commas"
        let registry = value["registry"].text
        if registry.isEmpty { return missing(path + ".registry", why) }
        if value["tenant"].text.utf8.count >= 65 {
            return missing(path + ".tenant", "must be a UUID and may not exceed a length of 64 characters")
        }
        for pair in registry.split(separator: ",", omittingEmptySubsequences: false) where !pair.contains(":") {
            invalid(path + ".registry", .string(registry), why)
        }
    }

    private mutating func flexOptions(_ options: Value?, _ path: @autoclosure () -> String) {
        for key in options.entries.keys {
            let domain = "." + (key.split(separator: "/", omittingEmptySubsequences: false).first ?? "").lowercased()
            guard domain.hasSuffix(".kubernetes.io") || domain.hasSuffix(".k8s.io") else { continue }
            let why = "kubernetes.io and k8s.io namespaces are reserved"
            invalid("\(path()).options[\(key)]", .string(key), why)
        }
    }

    private mutating func azureDisk(_ value: Value, _ path: String) {
        guard let kind = value["kind"]?.string else { return }
        let address = value["diskURI"].text
        let form: (prefix: String, whole: String) =
            kind == "Managed"
            ? (
                "/subscriptions/",
                "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
            )
            : ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd")
        if !address.hasPrefix(form.prefix) { unsupported(path + ".diskURI", .string(address), [form.whole]) }
    }
}
