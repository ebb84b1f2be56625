import APIMachinery

extension FieldChecks {
    /// Checks a pod's volumes; the names of all of them, for the mounts to refer to.
    mutating func volumes(_ volumes: Value?, _ path: String) -> Set<String> {
        var names: Set<String> = []
        for (volume, path) in volumes.elements(path) {
            let name = volume["name"]?.string ?? ""
            requiredName(.string(name), .dns1123Label, path + ".name")
            if !name.isEmpty, !names.insert(name).inserted {
                add(.duplicate(path + ".name", value: .string(name)))
            }
            let sources = (volume.fields?.keys ?? []).filter { $0 != "name" }
            if sources.isEmpty { add(.required(path, "must specify a volume type")) }
            for source in sources.dropFirst() {
                add(.forbidden("\(path).\(source)", "may not specify more than 1 volume type"))
            }
            self.source(volume, path)
        }
        return names
    }

    private mutating func source(_ volume: Value, _ path: String) {
        if let host = volume["hostPath"] {
            if require(host["path"], path + ".hostPath.path") {
                noBackSteps(host["path"]?.string ?? "", path + ".hostPath.path")
            }
        }
        if let secret = volume["secret"] {
            require(secret["secretName"], path + ".secret.secretName")
            items(secret["items"], path + ".secret.items")
            range(secret["defaultMode"], 0, 0o777, path + ".secret.defaultMode")
        }
        if let map = volume["configMap"] {
            require(map["name"], path + ".configMap.name")
            items(map["items"], path + ".configMap.items")
            range(map["defaultMode"], 0, 0o777, path + ".configMap.defaultMode")
        }
        if let claim = volume["persistentVolumeClaim"] {
            require(claim["claimName"], path + ".persistentVolumeClaim.claimName")
        }
        if let size = volume.at("emptyDir", "sizeLimit"), let quantity = try? Quantity(json: size),
            quantity.sign < 0
        {
            invalid(path + ".emptyDir.sizeLimit", size, "SizeLimit field must be a valid resource quantity")
        }
        if let file = volume["nfs"] {
            require(file["server"], path + ".nfs.server")
            require(file["path"], path + ".nfs.path")
        }
    }

    /// Keys and the files they become.
    private mutating func items(_ items: Value?, _ path: String) {
        for (item, path) in items.elements(path) {
            require(item["key"], path + ".key")
            guard require(item["path"], path + ".path") else { continue }
            let file = item["path"]?.string ?? ""
            if file.hasPrefix("/") { invalid(path + ".path", .string(file), "must be a relative path") }
            noBackSteps(file, path + ".path")
            range(item["mode"], 0, 0o777, path + ".mode")
        }
    }
}
