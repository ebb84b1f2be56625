import APIMachinery

// What holds for every container of a pod.
extension FieldChecks {
    mutating func container(_ container: Value, _ path: String, _ parts: PodParts) {
        requiredName(container["name"], .dns1123Label, path + ".name")
        let image = container["image"].text
        require(.string(image), path + ".image")
        if parts.isPod, image.first?.isWhitespace == true || image.last?.isWhitespace == true {
            invalid(path + ".image", .string(image), "must not have leading or trailing whitespace")
        }
        ports(container["ports"], path + ".ports")
        environment(container, path, parts)
        mounts(container, path, parts)
        devices(container, path, parts)
        resources(container["resources"], path + ".resources", claims: parts.claims)
        resizePolicy(container["resizePolicy"], path + ".resizePolicy", parts)
        if let context = container["securityContext"] {
            containerSecurity(context, path + ".securityContext", usesHostUsers: parts.usesHostUsers)
        }
    }

    private mutating func ports(_ ports: Value?, _ path: @autoclosure () -> String) {
        var names: Set<String> = []
        for (port, path) in ports.elements(path()) {
            let name = port["name"].text
            if !name.isEmpty {
                let problems = NameRule.portName.problems(in: name)
                for problem in problems { invalid(path + ".name", .string(name), problem) }
                if problems.isEmpty, !names.insert(name).inserted { duplicate(path + ".name", .string(name)) }
            }
            if require(port["containerPort"], path + ".containerPort") {
                self.port(port["containerPort"], path + ".containerPort")
            }
            if port["hostPort"].isFilled { self.port(port["hostPort"], path + ".hostPort") }
        }
    }

    /// What changing a resource in place does to the container (KEP-1287).
    private mutating func resizePolicy(_ policies: Value?, _ path: @autoclosure () -> String, _ parts: PodParts) {
        guard policies.isFilled else { return }
        let path = path()
        var resources: Set<String> = []
        for (policy, element) in policies.elements(path) {
            let (resource, restart) = (policy["resourceName"], policy["restartPolicy"])
            if !resources.insert(resource.text).inserted { duplicate(element, resource) }
            if require(resource, path) { oneOf(resource, ["cpu", "memory"], path) }
            if require(restart, path) { oneOf(restart, ["NotRequired", "RestartContainer"], path) }
            if parts.restartPolicy == "Never", restart.text != "NotRequired" {
                invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'")
            }
        }
    }

    // MARK: - Mounts

    private mutating func mounts(_ container: Value, _ path: String, _ parts: PodParts) {
        guard container["volumeMounts"].isFilled else { return }
        let list = path + ".volumeMounts"
        let isPrivileged = container["securityContext"]["privileged"].isTrue
        let devices = container["volumeDevices"].items
        var targets: Set<String> = []
        for (mount, path) in container["volumeMounts"].elements(list) {
            let (name, target) = (mount["name"].text, mount["mountPath"].text)
            require(.string(name), path + ".name")
            if parts.volumes[name] == nil { add(FieldError(.notFound, path + ".name", value: .string(name))) }
            require(.string(target), path + ".mountPath")
            if !targets.insert(target).inserted { invalid(path + ".mountPath", .string(target), "must be unique") }
            for device in devices {
                if device["name"].text == name {
                    invalid(path + ".name", .string(name), "must not already exist in volumeDevices")
                }
                if device["devicePath"].text == target {
                    let why = "must not already exist as a path in volumeDevices"
                    invalid(path + ".mountPath", .string(target), why)
                }
            }
            subPaths(mount, path, list)
            if mount["mountPropagation"].text == "Bidirectional", !isPrivileged {
                let why = "Bidirectional mount propagation is available only to privileged containers"
                forbid(list + ".mountPropagation", why)
            }
            recursiveReadOnly(mount, list + ".recursiveReadOnly")
        }
    }

    /// `list` is the path of all mounts: Kubernetes leaves the index out in some of its paths.
    private mutating func subPaths(_ mount: Value, _ path: String, _ list: String) {
        for key in ["subPath", "subPathExpr"] {
            let inner = mount[key].text
            guard !inner.isEmpty else { continue }
            if key == "subPathExpr", !mount["subPath"].text.isEmpty {
                invalid("\(path).\(key)", .string(inner), "subPathExpr and subPath are mutually exclusive")
            }
            descendingPath(inner, "\(list).\(key)")
        }
    }

    private mutating func recursiveReadOnly(_ mount: Value, _ path: @autoclosure () -> String) {
        guard let mode = mount["recursiveReadOnly"]?.string, mode != "Disabled" else { return }
        guard mode == "Enabled" || mode == "IfPossible" else {
            return unsupported(path(), .string(mode), ["Disabled", "Enabled", "IfPossible"])
        }
        if !mount["readOnly"].isTrue { forbid(path(), "may only be specified when readOnly is true") }
        if !["", "None"].contains(mount["mountPropagation"].text) {
            forbid(path(), "may only be specified when mountPropagation is None or not specified")
        }
    }

    private mutating func devices(_ container: Value, _ path: String, _ parts: PodParts) {
        var (names, targets): (Set<String>, Set<String>) = ([], [])
        let mounts = container["volumeMounts"].items
        let mountedNames = Set(mounts.map { $0["name"].text })
        let mountedPaths = Set(mounts.map { $0["mountPath"].text })
        for (device, path) in container["volumeDevices"].elements(path + ".volumeDevices") {
            let (name, target) = (device["name"].text, device["devicePath"].text)
            require(.string(name), path + ".name")
            if !names.insert(name).inserted { invalid(path + ".name", .string(name), "must be unique") }
            if let volume = parts.volumes[name] {
                if volume["persistentVolumeClaim"] == nil, volume["ephemeral"] == nil {
                    let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
                    invalid(path + ".name", .string(name), why)
                }
            } else {
                add(FieldError(.notFound, path + ".name", value: .string(name)))
            }
            require(.string(target), path + ".devicePath")
            if !targets.insert(target).inserted { invalid(path + ".devicePath", .string(target), "must be unique") }
            if target.split(separator: "/").contains("..") {
                invalid(path + ".devicePath", .string(target), "can not contain backsteps ('..')")
            }
            if mountedNames.contains(name) {
                invalid(path + ".name", .string(name), "must not already exist in volumeMounts")
            }
            if mountedPaths.contains(target) {
                invalid(path + ".devicePath", .string(target), "must not already exist as a path in volumeMounts")
            }
        }
    }
}
