import APIMachinery

// What containers, and pods as a whole, request and may use.
extension FieldChecks {
    /// Amounts are not negative, and nothing is requested beyond its limit. `claims` are the names by which the pod
    /// knows its devices.
    mutating func resources(_ resources: Value?, _ path: @autoclosure () -> String, claims: Set<String>) {
        guard let resources, resources.fields?.isEmpty == false else { return }
        requirements(resources, path(), isPodLevel: false)
        deviceClaims(resources["claims"], path() + ".claims", claims)
    }

    private mutating func requirements(_ resources: Value, _ path: String, isPodLevel: Bool) {
        var (hasHugePages, hasOthers) = (false, false)
        for list in ["limits", "requests"] {
            for (text, amount) in resources[list].entries {
                let name = ComputeResource(text)
                let path = "\(path).\(list)[\(text)]"
                if isPodLevel { podResourceName(name, path) } else { containerResourceName(name, path) }
                resourceAmount(amount, of: name, path)
                hasHugePages = hasHugePages || name.isHugePage
                hasOthers = hasOthers || text == "cpu" || text == "memory"
            }
        }
        for (text, request) in resources["requests"].entries {
            bounded(request, by: resources["limits"][text], ComputeResource(text), path)
        }
        if hasHugePages, !hasOthers { forbid(path, "HugePages require cpu or memory") }
    }

    private mutating func bounded(_ request: Value, by limit: Value?, _ name: ComputeResource, _ path: String) {
        guard let limit else {
            guard !name.allowsOvercommit else { return }
            return missing(path + ".limits", "Limit must be set for non overcommitable resources")
        }
        guard let asked = Optional(request).quantity, let most = Optional(limit).quantity else { return }
        if !name.allowsOvercommit, asked != most {
            invalid(path + ".requests", request, "must be equal to \(name.text) limit of \(most)")
        } else if asked > most {
            invalid(path + ".requests", request, "must be less than or equal to \(name.text) limit of \(most)")
        }
    }

    /// An amount that is none.
    mutating func resourceQuantity(_ value: Value, of name: ComputeResource, _ path: @autoclosure () -> String) {
        guard let amount = Optional(value).quantity else { return }
        if amount.sign < 0 { invalid(path(), value, "must be greater than or equal to 0") }
        if name.isInteger, !amount.isWhole { invalid(path(), value, "must be an integer") }
    }

    /// An amount that is none, or that cannot be had.
    mutating func resourceAmount(_ value: Value, of name: ComputeResource, _ path: @autoclosure () -> String) {
        resourceQuantity(value, of: name, path())
        guard name.isHugePage, let amount = Optional(value).quantity else { return }
        let page = (try? Quantity(String(name.text.dropFirst("hugepages-".count))))?.value ?? 0
        if page <= 0 || amount.value % page != 0 {
            invalid(path(), value, "\(amount) is not positive integer multiple of \(name.text)")
        }
    }

    /// A name without a domain must be one that Kubernetes knows. Whether it is good.
    @discardableResult
    mutating func resourceName(_ name: ComputeResource, _ path: @autoclosure () -> String) -> Bool {
        let problems = NameRule.qualifiedName.problems(in: name.text)
        for problem in problems { invalid(path(), .string(name.text), problem) }
        guard problems.isEmpty else { return false }
        guard !name.text.contains("/"), !name.isStandard else { return true }
        invalid(path(), .string(name.text), "must be a standard resource type or fully qualified")
        return false
    }

    mutating func containerResourceName(_ name: ComputeResource, _ path: @autoclosure () -> String) {
        if name.isForContainers, !name.isHugePage { return }
        resourceName(name, path())
        if !name.text.contains("/") {
            guard !name.isForContainers else { return }
            invalid(path(), .string(name.text), "must be a standard resource for containers")
        } else if !name.isNative, !name.isExtended {
            invalid(path(), .string(name.text), "doesn't follow extended resource name standard")
        }
    }

    private mutating func podResourceName(_ name: ComputeResource, _ path: String) {
        guard resourceName(name, path), !name.isForPods else { return }
        unsupported(path, .string(name.text), ["cpu", "hugepages-", "memory"])
    }

    // MARK: - The pod as a whole (KEP-2837)

    mutating func podResources(_ spec: Value, _ path: String) {
        guard let resources = spec["resources"], resources.fields?.isEmpty == false else { return }
        let path = path + ".resources"
        if resources["claims"] != nil {
            forbid(path + ".claims", "claims cannot be set for Resources at pod-level")
        }
        requirements(resources, path, isPodLevel: true)
        podSums("requests", of: spec, path) { $0.isForPods }
        podSums("limits", of: spec, path) { $0.isHugePage }
        for (index, container) in spec["containers"].items.enumerated() {
            for (name, limit) in container["resources"]["limits"].entries {
                guard let most = resources["limits"][name].quantity, let amount = Optional(limit).quantity,
                    amount > most
                else { continue }
                let why = "must be less than or equal to pod limits of \(most)"
                invalid("\(path).containers[\(index)][\(name)].limits", limit, why)
            }
        }
    }

    /// What the pod says itself of a resource is no less than its containers have together.
    private mutating func podSums(
        _ list: String, of spec: Value, _ path: String, where isBound: (ComputeResource) -> Bool
    ) {
        let sums = ContainerSums(of: list, in: spec).amounts.sorted { $0.key < $1.key }
        for (name, sum) in sums where isBound(ComputeResource(name)) {
            guard let own = spec["resources"]?[list]?[name], let amount = Optional(own).quantity, sum > amount
            else { continue }
            let why = "must be greater than or equal to aggregate container \(list) of \(sum)"
            invalid("\(path).\(list)[\(name)]", own, why)
        }
    }

    // MARK: - Devices

    /// A message that names all of many, for each of many, would have no bound.
    private static let shownClaims = 20

    private mutating func deviceClaims(
        _ claims: Value?, _ path: @autoclosure () -> String, _ known: Set<String>
    ) {
        var (seen, named): (Set<String>, Set<String>) = ([], [])
        let shown = known.sorted().prefix(Self.shownClaims)
        let list = shown.joined(separator: ", ") + (known.count > shown.count ? ", ..." : "")
        for (claim, path) in claims.elements(path()) {
            let (name, request) = (claim["name"].text, claim["request"].text)
            guard require(.string(name), path) else { continue }
            let key = request.isEmpty ? name : name + "/" + request
            if !request.isEmpty { self.name(request, .dns1123Label, path + ".request") }
            let isCovered = seen.contains(name) || request.isEmpty && named.contains(name)
            if !request.isEmpty { named.insert(name) }
            if isCovered || !seen.insert(key).inserted {
                duplicate(path, .string(seen.contains(name) ? name : key))
            }
            guard !known.contains(name) else { continue }
            let why = known.isEmpty ? " which is empty" : ": " + list
            add(FieldError(
                .notFound, path, value: .string(name), "must be one of the names in pod.spec.resourceClaims" + why))
        }
    }

    /// The devices that a pod refers to, each by one name.
    mutating func resourceClaims(_ claims: Value?, _ path: @autoclosure () -> String) {
        var names: Set<String> = []
        for (claim, path) in claims.elements(path()) {
            let name = claim["name"].text
            if require(.string(name), path + ".name") {
                if names.insert(name).inserted {
                    self.name(name, .dns1123Label, path + ".name")
                } else {
                    duplicate(path + ".name", .string(name))
                }
            }
            let sources = ["resourceClaimName", "resourceClaimTemplateName"].filter { claim[$0] != nil }
            if sources.count == 2 {
                let why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
                invalid(path, claim, why)
            } else if sources.isEmpty {
                let why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
                invalid(path, claim, why)
            }
            for key in sources { self.name(claim[key].text, .dns1123Subdomain, "\(path).\(key)") }
        }
    }
}

extension Quantity {
    /// Whether nothing is lost by counting in whole units.
    var isWhole: Bool { Quantity(value) == self }
}
