import APIMachinery

extension FieldChecks {
    mutating func container(
        _ container: Value, _ path: String, _ volumes: Set<String>, _ hostPorts: inout Set<String>
    ) {
        requiredName(container["name"], .dns1123Label, path + ".name")
        let image = container["image"]?.string ?? ""
        if require(.string(image), path + ".image"),
            image.first?.isWhitespace == true || image.last?.isWhitespace == true
        {
            invalid(path + ".image", .string(image), "must not have leading or trailing whitespace")
        }
        ports(container["ports"], path + ".ports", &hostPorts)
        for (variable, path) in container["env"].elements(path + ".env") { environment(variable, path) }
        for (source, path) in container["envFrom"].elements(path + ".envFrom") {
            environmentSource(source, path)
        }
        mounts(container["volumeMounts"], path + ".volumeMounts", volumes)
        resources(container["resources"], path + ".resources")
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if let probe = container[key] {
                self.probe(probe, "\(path).\(key)", mustSucceedOnce: key != "readinessProbe")
            }
        }
        for key in ["postStart", "preStop"] {
            if let handler = container.at("lifecycle", key) {
                self.handler(handler, "\(path).lifecycle.\(key)")
            }
        }
    }

    private mutating func ports(_ ports: Value?, _ path: String, _ hostPorts: inout Set<String>) {
        var names: Set<String> = []
        for (port, path) in ports.elements(path) {
            let name = port["name"]?.string ?? ""
            if !name.isEmpty {
                self.name(name, .portName, path + ".name")
                if !names.insert(name).inserted { add(.duplicate(path + ".name", value: .string(name))) }
            }
            if require(port["containerPort"], path + ".containerPort") {
                self.port(port["containerPort"], path + ".containerPort")
            }
            guard let host = port["hostPort"]?.integer, host != 0 else { continue }
            self.port(port["hostPort"], path + ".hostPort")
            let key = "\(port["protocol"]?.string ?? "TCP")/\(port["hostIP"]?.string ?? "")/\(host)"
            if !hostPorts.insert(key).inserted { add(.duplicate(path + ".hostPort", value: .string(key))) }
        }
    }

    private mutating func environment(_ variable: Value, _ path: String) {
        requiredName(variable["name"], .relaxedEnvironmentVariable, path + ".name")
        guard let source = variable["valueFrom"] else { return }
        let kinds = source.fields?.count ?? 0
        if kinds == 0 {
            invalid(
                path + ".valueFrom", "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
            )
        } else if !(variable["value"]?.string ?? "").isEmpty {
            invalid(path + ".valueFrom", "", "may not be specified when `value` is not empty")
        } else if kinds > 1 {
            invalid(path + ".valueFrom", "", "may not have more than one field specified at a time")
        }
        if let field = source["fieldRef"] {
            require(field["fieldPath"], path + ".valueFrom.fieldRef.fieldPath")
        }
        for key in ["configMapKeyRef", "secretKeyRef"] {
            guard let reference = source[key] else { continue }
            require(reference["name"], "\(path).valueFrom.\(key).name")
            requiredName(reference["key"], .configMapKey, "\(path).valueFrom.\(key).key")
        }
    }

    private mutating func environmentSource(_ source: Value, _ path: String) {
        let kinds = ["configMapRef", "secretRef"].filter { source[$0] != nil }
        if kinds.isEmpty { invalid(path, "", "must specify one of: `configMapRef` or `secretRef`") }
        if kinds.count > 1 { invalid(path, "", "may not have more than one field specified at a time") }
        for key in kinds { require(source[key]?["name"], "\(path).\(key).name") }
    }

    private mutating func mounts(_ mounts: Value?, _ path: String, _ volumes: Set<String>) {
        var targets: Set<String> = []
        for (mount, path) in mounts.elements(path) {
            if require(mount["name"], path + ".name"), let name = mount["name"]?.string,
                !volumes.contains(name)
            {
                add(FieldError(.notFound, path + ".name", value: .string(name)))
            }
            if require(mount["mountPath"], path + ".mountPath"), let target = mount["mountPath"]?.string,
                !targets.insert(target).inserted
            {
                invalid(path + ".mountPath", .string(target), "must be unique")
            }
            for key in ["subPath", "subPathExpr"] {
                guard let inner = mount[key]?.string, !inner.isEmpty else { continue }
                if inner.hasPrefix("/") {
                    invalid("\(path).\(key)", .string(inner), "must be a relative path")
                }
                noBackSteps(inner, "\(path).\(key)")
            }
        }
    }

    // MARK: - Probes and hooks

    private mutating func probe(_ probe: Value, _ path: String, mustSucceedOnce: Bool) {
        handler(probe, path)
        for key in [
            "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
        ] { notNegative(probe[key], "\(path).\(key)") }
        if mustSucceedOnce, let count = probe["successThreshold"]?.integer, count != 1 {
            invalid(path + ".successThreshold", probe["successThreshold"], "must be 1")
        }
        if let grace = probe["terminationGracePeriodSeconds"]?.integer, grace <= 0 {
            invalid(
                path + ".terminationGracePeriodSeconds", probe["terminationGracePeriodSeconds"],
                "must be greater than 0")
        }
    }

    private mutating func handler(_ handler: Value, _ path: String) {
        let kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].filter { handler[$0] != nil }
        if kinds.isEmpty { add(.required(path, "must specify a handler type")) }
        for kind in kinds.dropFirst() {
            add(.forbidden("\(path).\(kind)", "may not specify more than 1 handler type"))
        }
        if let exec = handler["exec"] { require(exec["command"], path + ".exec.command") }
        if let get = handler["httpGet"] {
            require(get["path"], path + ".httpGet.path")
            portOrName(get["port"], path + ".httpGet.port")
        }
        if let socket = handler["tcpSocket"] { portOrName(socket["port"], path + ".tcpSocket.port") }
        if let call = handler["grpc"] { port(call["port"] ?? 0, path + ".grpc.port") }
    }

    // MARK: - Resources

    /// Amounts are not negative, and nothing is requested beyond its limit.
    mutating func resources(_ resources: Value?, _ path: String) {
        for list in ["limits", "requests"] {
            for (name, amount) in resources?[list]?.fields ?? Fields() {
                let path = "\(path).\(list)[\(name)]"
                resourceName(name, path)
                guard let quantity = try? Quantity(json: amount), quantity.sign < 0 else { continue }
                invalid(path, amount, "must be greater than or equal to 0")
            }
        }
        for (name, request) in resources?["requests"]?.fields ?? Fields() {
            guard let limit = resources?.at("limits", name), let most = try? Quantity(json: limit),
                let asked = try? Quantity(json: request)
            else { continue }
            let isExact = name.contains("/") || name.hasPrefix("hugepages-")
            if isExact, asked != most {
                invalid(
                    "\(path).requests", request, "must be equal to \(name) limit of \(limit.string ?? "")")
            } else if asked > most {
                invalid(
                    "\(path).requests", request,
                    "must be less than or equal to \(name) limit of \(limit.string ?? "")")
            }
        }
    }

    private mutating func resourceName(_ name: String, _ path: String) {
        self.name(name, .qualifiedName, path)
        let standard = ["cpu", "memory", "ephemeral-storage"]
        guard !name.contains("/"), !standard.contains(name), !name.hasPrefix("hugepages-") else { return }
        invalid(path, .string(name), "must be a standard resource type or fully qualified")
        invalid(path, .string(name), "must be a standard resource for containers")
    }
}
