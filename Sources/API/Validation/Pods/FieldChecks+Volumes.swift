import APIMachinery

// The volumes of a pod. What they are made of is in the files of the sources.
extension FieldChecks {
    /// Checks a pod's volumes; those that are good by their names, for the mounts to refer to.
    mutating func volumes(_ volumes: Value?, _ path: @autoclosure () -> String, _ place: PodPlace) -> [String: Value] {
        var named: [String: Value] = [:]
        var madeClaims: Set<String> = []
        if let pod = place.podName, !pod.isEmpty {
            for volume in volumes.items where volume["ephemeral"] != nil {
                madeClaims.insert(pod + "-" + volume["name"].text)
            }
        }
        for (volume, path) in volumes.elements(path()) {
            let name = volume["name"].text
            let before = errors.count
            volumeSource(volume, path, place)
            requiredName(.string(name), .dns1123Label, path + ".name")
            if named[name] != nil { duplicate(path + ".name", .string(name)) }
            if errors.count == before { named[name] = volume }
            let claim = volume["persistentVolumeClaim"]["claimName"].text
            if madeClaims.contains(claim) {
                let why = "must not reference a PVC that gets created for an ephemeral volume"
                invalid(path + ".persistentVolumeClaim.claimName", .string(claim), why)
            }
        }
        return named
    }

    private mutating func volumeSource(_ volume: Value, _ path: String, _ place: PodPlace) {
        let present = (volume.fields ?? Fields()).keys.filter { $0 != "name" }
        guard !present.isEmpty else { return missing(path, "must specify a volume type") }
        let sources = present.count == 1 ? present : Self.podSources.filter(present.contains)
        for (index, source) in sources.enumerated() {
            guard index == 0 else {
                let word = Self.oddNames[source] ?? source
                forbid("\(path).\(word)", "may not specify more than 1 volume type")
                continue
            }
            let value = volume[source] ?? .emptyObject
            podSource(source, value, "\(path).\(Self.pathNames[source] ?? source)", volume, path, place)
        }
    }

    /// In the order in which Kubernetes looks at them: the first is the one that counts.
    private static let podSources = [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
        "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
        "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
        "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
    ]

    /// What Kubernetes calls a source in its paths where that is not the field's name.
    static let pathNames = ["gcePersistentDisk": "persistentDisk"]
    static let oddNames = ["cephfs": "cephFS", "downwardAPI": "downwarAPI"]

    private mutating func podSource(
        _ source: String, _ value: Value, _ path: String, _ volume: Value, _ volumePath: String, _ place: PodPlace
    ) {
        switch source {
        case "emptyDir":
            guard let size = value["sizeLimit"].quantity, size.sign < 0 else { break }
            forbid(path + ".sizeLimit", "SizeLimit field must be a valid resource quantity")
        case "secret":
            require(value["secretName"], path + ".secretName")
            keyFiles(value, path)
        case "configMap":
            require(value["name"], path + ".name")
            keyFiles(value, path)
        case "downwardAPI":
            fileMode(value["defaultMode"], path + ".defaultMode")
            for file in value["items"].items { downwardFile(file, path) }
        case "projected": projected(value, path)
        case "persistentVolumeClaim": require(value["claimName"], path + ".claimName")
        case "ephemeral": ephemeral(value, path, volume["name"].text, volumePath, place)
        case "image":
            if place.isPod { require(value["reference"], path + ".reference") }
        case "csi": inlineCSI(value, path)
        default: storageSource(source, value, path, objectName: volume["name"].text, isPersistent: false)
        }
    }

    private mutating func keyFiles(_ value: Value, _ path: String) {
        fileMode(value["defaultMode"], path + ".defaultMode")
        for (item, path) in value["items"].elements(path + ".items") { keyFile(item, path) }
    }

    /// A key and the file that it becomes.
    mutating func keyFile(_ item: Value, _ path: String) {
        require(item["key"], path + ".key")
        require(item["path"], path + ".path")
        unreservedPath(item["path"].text, path + ".path")
        fileMode(item["mode"], path + ".mode")
    }

    /// A field of the pod and the file that it becomes.
    mutating func downwardFile(_ file: Value, _ path: String) {
        require(file["path"], path + ".path")
        unreservedPath(file["path"].text, path + ".path")
        if let field = file["fieldRef"] {
            fieldReference(field, Self.fileFields, path + ".fieldRef")
            if file["resourceFieldRef"] != nil {
                invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            }
        } else if let resource = file["resourceFieldRef"] {
            resourceReference(resource, path + ".resourceFieldRef", needsContainer: true)
        } else {
            missing(path, "one of fieldRef and resourceFieldRef is required")
        }
        fileMode(file["mode"], path + ".mode")
    }

    private mutating func inlineCSI(_ value: Value, _ path: String) {
        driverName(value["driver"], path + ".driver")
        guard let secret = value["nodePublishSecretRef"] else { return }
        if require(secret["name"], path + ".nodePublishSecretRef.name") {
            name(secret["name"].text, .dns1123Subdomain, path + ".name")
        }
    }

    /// A claim that lives as long as the pod (KEP-1698). Its name is made of the two names.
    private mutating func ephemeral(
        _ value: Value, _ path: String, _ name: String, _ volumePath: String, _ place: PodPlace
    ) {
        guard let template = value["volumeClaimTemplate"] else { return missing(path + ".volumeClaimTemplate") }
        let path = path + ".volumeClaimTemplate"
        templateMetadata(template["metadata"], path + ".metadata")
        volumeClaim(template["spec"] ?? .emptyObject, path + ".spec")
        guard let pod = place.podName, !pod.isEmpty, !name.isEmpty else { return }
        let claim = pod + "-" + name
        for problem in NameRule.dns1123Subdomain.problems(in: claim) {
            invalid(volumePath + ".name", .string(name), "PVC name \"\(claim)\": \(problem)")
        }
    }
}
