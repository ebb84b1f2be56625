import APIMachinery
import Support

// Which devices a claim got, and what their drivers report of them.
extension FieldChecks {
    private static let mostResults = 32
    /// Those of the classes and those of the claim.
    private static let mostConfigurations = 64
    private static let mostConditionsOfDevice = 8
    private static let mostAddresses = 16
    private static let longestData = 10 * 1024
    private static let longestInterface = 256
    private static let longestHardwareAddress = 128

    // MARK: - Allocations

    /// Of an allocation that is new; what is stored is not judged again.
    mutating func deviceAllocation(_ allocation: Value, of requests: Value?, _ path: String) {
        let (names, devices) = (Self.requestNames(requests), path + ".devices")
        let results = allocation["devices"]["results"]
        bounded(results, Self.mostResults, devices + ".results")
        for (result, path) in results.elements(devices + ".results") {
            requestName(.string(result["request"].text), names, path + ".request")
            deviceIdentity(result, path)
            deviceBinding(result, path)
        }
        let configurations = allocation["devices"]["config"]
        bounded(configurations, Self.mostConfigurations, devices + ".config")
        for (config, path) in configurations.elements(devices + ".config") {
            if require(config["source"], path + ".source") {
                oneOf(config["source"], ["FromClaim", "FromClass"], path + ".source")
            }
            requestNames(config["requests"], names, path + ".requests")
            deviceConfiguration(config, path)
        }
        if let selector = allocation["nodeSelector"] { nodeSelector(selector, path + ".nodeSelector") }
    }

    /// By which a device is told from others, wherever it is spoken of.
    private mutating func deviceIdentity(_ device: Value, _ path: String) {
        driverName(device["driver"], path + ".driver")
        poolName(device["pool"], path + ".pool")
        requiredName(device["device"], .dns1123Label, path + ".device")
        if let share = device["shareID"]?.string, !Self.isPlainUUID(share) {
            invalid(path + ".shareID", .string(share), "must be a lowercase UUID in 8-4-4-4-12 format")
        }
    }

    private static func isPlainUUID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12]
            && parts.joined().allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    // MARK: - Reports

    /// Only of devices that the claim has, of each once (KEP-4817).
    mutating func deviceReports(_ status: Value?, _ path: String) {
        let allocated = Set(status["allocation"]["devices"]["results"].items.map(Self.deviceText))
        var seen: Set<String> = []
        for (device, path) in status["devices"].elements(path) {
            let text = Self.deviceText(device)
            deviceIdentity(device, path)
            if !allocated.contains(text) {
                // The words show a device as it prints itself, without quotes.
                add(.invalid(path, "\(text): must be an allocated device in the claim"))
            }
            bounded(device["conditions"], Self.mostConditionsOfDevice, path + ".conditions")
            conditions(device["conditions"], path + ".conditions")
            deviceData(device["data"], path + ".data")
            deviceNetwork(device["networkData"], path + ".networkData")
            if !seen.insert(text).inserted {
                var error = FieldError(.duplicate, path, text)
                error.omitsValue = true
                add(error)
            }
        }
    }

    private static func deviceText(_ device: Value) -> String {
        let parts = [device["driver"], device["pool"], device["device"]].map(\.text)
        return (parts + [device["shareID"]?.string].compactMap(\.self)).joined(separator: "/")
    }

    private mutating func deviceData(_ data: Value?, _ path: String) {
        guard let data else { return }
        if "\(data)".utf8.count > Self.longestData {
            add(.tooLong(path, limit: Self.longestData))
        } else if data.fields == nil {
            invalid(path, "<value omitted>", "must be a valid JSON object")
        }
    }

    private mutating func deviceNetwork(_ network: Value?, _ path: String) {
        for (key, limit) in [
            ("interfaceName", Self.longestInterface), ("hardwareAddress", Self.longestHardwareAddress),
        ] where network[key].text.utf8.count > limit { add(.tooLong("\(path).\(key)", limit: limit)) }
        bounded(network["ips"], Self.mostAddresses, path + ".ips")
        var seen: Set<String> = []
        for (address, path) in network["ips"].elements(path + ".ips") {
            interfaceAddress(address.string ?? "", path)
            if !seen.insert(address.string ?? "").inserted { duplicate(path, address) }
        }
    }

    /// A whole address with the length of its network's prefix, in the one way to write it.
    private mutating func interfaceAddress(_ text: String, _ path: String) {
        guard let prefix = IPPrefix(text) else {
            let why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
            return invalid(path, .string(text), why)
        }
        let canonical = "\(prefix.address)/\(prefix.length)"
        if text != canonical { invalid(path, .string(text), "must be in canonical form (\"\(canonical)\")") }
    }
}
