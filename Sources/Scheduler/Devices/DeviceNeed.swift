import API
import APIMachinery
import CEL

/// What a claim that has no devices yet asks for.
struct DeviceNeed: Sendable {
    /// One way to satisfy a request.
    struct Way: Sendable {
        /// As results name it: `request` or `request/subrequest`.
        var name: String
        var className: String
        /// All must hold.
        var selectors: [CELProgram]
        /// How many devices; `nil` for all that suit.
        var count: Int?
        /// Whether it looks at devices that others use, and takes them from nobody.
        var isAdministrative: Bool
        var tolerations: [TolerationFacts]
        /// How much of the capacities of each device.
        var capacity: [String: Quantity]
    }

    struct Request: Sendable {
        var name: String
        /// The first that can be had.
        var ways: [Way]
    }

    struct Constraint: Sendable {
        /// Requests that it is about; empty for all.
        var requests: Set<String>
        var attribute: String
        /// Whether the devices must differ in the attribute, not agree.
        var mustDiffer: Bool

        func isAbout(_ way: Way) -> Bool {
            if requests.isEmpty || requests.contains(way.name) { return true }
            guard let slash = way.name.firstIndex(of: "/") else { return false }
            return requests.contains(String(way.name[..<slash]))
        }
    }

    /// Why a claim cannot be read, in a sentence.
    struct Problem: Error, Sendable { var text: String }

    var claim: ObjectName
    var uid: String
    var requests: [Request] = []
    var constraints: [Constraint] = []

    init(claim: ObjectName, requests: [Request]) {
        (self.claim, self.requests) = (claim, requests)
        uid = ""
    }

    /// - Parameter classSpec: The spec of the class of a name; `nil` when there is no such class.
    init(_ object: Value, classSpec: (String) -> Value?) throws(Problem) {
        let metadata = object["metadata"]
        claim = ObjectName(
            namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? "")
        uid = metadata?["uid"]?.string ?? ""
        let devices = object.at("spec", "devices")
        for request in devices?["requests"]?.array ?? [] {
            let name = request["name"]?.string ?? ""
            var ways: [Way] = []
            if let exactly = request["exactly"] { ways.append(try Self.way(name, exactly, classSpec)) }
            for sub in request["firstAvailable"]?.array ?? [] {
                ways.append(try Self.way(name + "/" + (sub["name"]?.string ?? ""), sub, classSpec))
            }
            requests.append(Request(name: name, ways: ways))
        }
        for constraint in devices?["constraints"]?.array ?? [] {
            let differing = constraint["distinctAttribute"]?.string
            constraints.append(
                Constraint(
                    requests: Set((constraint["requests"]?.array ?? []).compactMap(\.string)),
                    attribute: differing ?? constraint["matchAttribute"]?.string ?? "", mustDiffer: differing != nil))
        }
    }

    /// How one device of a class is had, whatever the claim.
    static func way(of className: String, classSpec: (String) -> Value?) throws(Problem) -> Way {
        try way("", ["deviceClassName": .string(className)], classSpec)
    }

    private static func way(
        _ name: String, _ request: Value, _ classSpec: (String) -> Value?
    ) throws(Problem) -> Way {
        let className = request["deviceClassName"]?.string ?? ""
        guard let spec = classSpec(className) else {
            throw Problem(text: "request \(name): device class \(className) does not exist")
        }
        var selectors: [CELProgram] = []
        for selector in (spec["selectors"]?.array ?? []) + (request["selectors"]?.array ?? []) {
            do throws(CELError) {
                selectors.append(try DeviceSelector.compile(selector.at("cel", "expression")?.string ?? ""))
            } catch {
                throw Problem(text: "request \(name): CEL compile error: \(error)")
            }
        }
        let isAll = request["allocationMode"]?.string == "All"
        return Way(
            name: name, className: className, selectors: selectors,
            count: isAll ? nil : Int(Int32(clamping: request["count"]?.integer ?? 1)),
            isAdministrative: request["adminAccess"]?.bool ?? false,
            tolerations: (request["tolerations"]?.array ?? []).map(TolerationFacts.init),
            capacity: CapacityFacts.quantities(request.at("capacity", "requests")))
    }
}
