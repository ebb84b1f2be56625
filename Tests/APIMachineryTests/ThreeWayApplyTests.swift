import Support
import Testing

@testable import APIMachinery

/// What `kubectl apply` does: from the last applied object, the new one and the live one it makes a patch. The patch,
/// applied, must give what the three of them mean together.
@Suite struct ThreeWayApplyTests {
    @Test(arguments: UInt64(0)..<150)
    func `applying keeps what others set, sets what is wanted, and drops what was given up`(seed: UInt64)
        throws
    {
        var random = SeededRandom(seed: seed)
        let last = PodWorld.random(using: &random)
        let wanted = PodWorld.mutated(last, using: &random)
        let live = PodWorld.mutated(last, using: &random)
        let place = PatchPlace.type(MiniSchema.type("PodSpec"))
        let patch = ThreeWay.patch(last: last, wanted: wanted, live: live, at: place)
        let result = try StrategicMergePatch.apply(patch, to: live, schema: MiniSchema.type("PodSpec"))
        let expected = ThreeWay.expected(last: last, wanted: wanted, live: live, at: place)
        #expect(ThreeWay.unordered(result, at: place) == expected.map { ThreeWay.unordered($0, at: place) })
        #expect(ThreeWay.keepsOrder(of: wanted, in: result, at: place), "\(patch) on \(live)")
        // To apply the same again changes nothing.
        let again = ThreeWay.patch(last: wanted, wanted: wanted, live: result, at: place)
        #expect(
            try StrategicMergePatch.apply(again, to: result, schema: MiniSchema.type("PodSpec")) == result)
    }
}

/// Random pod specs, and small changes to them.
private enum PodWorld {
    static func random(using random: inout SeededRandom) -> Value {
        var pod: Value = [
            "containers": .array(
                names(["a", "b", "c", "d"], using: &random).map { container($0, using: &random) })
        ]
        pod["volumes"] = .array(names(["v", "w"], using: &random).map { volume($0, using: &random) })
        pod["nodeSelector"] = map(using: &random)
        if Bool.random(using: &random) { pod["restartPolicy"] = "Always" }
        return pod
    }

    /// Each part is kept, or made anew.
    static func mutated(_ pod: Value, using random: inout SeededRandom) -> Value {
        var result = Self.random(using: &random)
        for key in ["containers", "volumes", "nodeSelector", "restartPolicy"]
        where Bool.random(using: &random) {
            result[key] = pod[key]
        }
        if case .array(var containers)? = result["containers"], case .array(let old)? = pod["containers"],
            Bool.random(using: &random)
        {
            for index in containers.indices {
                if let kept = old.first(where: { $0["name"] == containers[index]["name"] }) {
                    containers[index] = kept
                }
            }
            result["containers"] = .array(containers)
        }
        return result
    }

    private static func names(_ all: [String], using random: inout SeededRandom) -> [String] {
        all.shuffled(using: &random).filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
    }

    private static func container(_ name: String, using random: inout SeededRandom) -> Value {
        var container: Value = [
            "name": .string(name), "image": .string(["x", "y"].randomElement(using: &random) ?? "x"),
        ]
        container["args"] = Bool.random(using: &random) ? ["1"] : nil
        container["env"] = .array(
            names(["E", "F", "G"], using: &random).map {
                ["name": .string($0), "value": .string(["1", "2"].randomElement(using: &random) ?? "1")]
            })
        container["ports"] = .array(
            names(["80", "81"], using: &random).map { ["containerPort": .integer(Int64($0) ?? 0)] })
        return container
    }

    private static func volume(_ name: String, using random: inout SeededRandom) -> Value {
        Bool.random(using: &random)
            ? ["name": .string(name), "emptyDir": ["medium": "m"]]
            : ["name": .string(name), "secret": ["secretName": "s"]]
    }

    private static func map(using random: inout SeededRandom) -> Value {
        .object(
            Fields(
                names(["k", "l", "m"], using: &random).map {
                    ($0, .string(["1", "2"].randomElement(using: &random) ?? "1"))
                }))
    }
}

/// A straightforward reference: how a patch is made, and what it must amount to.
private enum ThreeWay {
    /// Changes from live to wanted, deletions from last to wanted.
    static func patch(last: Value, wanted: Value, live: Value, at place: PatchPlace) -> Value {
        var patch = Value.emptyObject
        for key in Set((last.fields?.keys ?? []) + (wanted.fields?.keys ?? [])).sorted() {
            let rule = place.rule(for: key)
            switch (last[key], wanted[key], live[key]) {
            case (_, nil, _): patch[key] = .null
            case (let old, .object(let new)?, .object(let now)?):
                let inner = ThreeWay.patch(
                    last: old ?? .emptyObject, wanted: .object(new), live: .object(now), at: rule.place)
                if inner != .emptyObject { patch[key] = inner }
            case (let old, .array(let new)?, let now) where rule.mergesLists:
                let (elements, order) = list(old?.array ?? [], new, now?.array ?? [], rule)
                if now != nil || !new.isEmpty { patch["$setElementOrder/" + key] = .array(order) }
                if !elements.isEmpty || (now == nil && !new.isEmpty) { patch[key] = .array(elements) }
            case (_, let new?, let now): if new != now { patch[key] = new }
            }
        }
        return patch
    }

    private static func list(_ last: [Value], _ wanted: [Value], _ live: [Value], _ rule: PatchRule) -> (
        [Value], [Value]
    ) {
        func find(_ element: Value, in list: [Value]) -> Value? {
            list.first { $0[rule.mergeKey] == element[rule.mergeKey] }
        }
        var elements: [Value] = []
        for element in wanted {
            guard let now = find(element, in: live) else {
                elements.append(element)
                continue
            }
            var inner = patch(
                last: find(element, in: last) ?? .emptyObject, wanted: element, live: now, at: rule.place)
            if inner == .emptyObject { continue }
            inner[rule.mergeKey] = element[rule.mergeKey]
            elements.append(inner)
        }
        for element in last where find(element, in: wanted) == nil {
            elements.append(
                ["$patch": "delete", .string(rule.mergeKey): element[rule.mergeKey] ?? .null].asObject)
        }
        return (elements, wanted.map { .object(Fields([(rule.mergeKey, $0[rule.mergeKey] ?? .null)])) })
    }

    /// What the three mean: wanted wins, what was given up goes, the rest of live stays.
    static func expected(last: Value?, wanted: Value?, live: Value?, at place: PatchPlace) -> Value? {
        guard let wanted else { return last == nil ? live : nil }
        guard case .object(let new) = wanted, case .object(let now)? = live else { return wanted }
        var result = Value.emptyObject
        for key in Set(new.keys + now.keys + (last?.fields?.keys ?? [])) {
            let rule = place.rule(for: key)
            if rule.mergesLists, let list = new[key]?.array ?? (last?[key] == nil ? now[key]?.array : nil) {
                guard new[key] != nil else {
                    result[key] = now[key]
                    continue
                }
                result[key] = .array(merged(last?[key]?.array ?? [], list, now[key]?.array ?? [], rule))
            } else {
                result[key] = expected(last: last?[key], wanted: new[key], live: now[key], at: rule.place)
            }
        }
        return result
    }

    private static func merged(_ last: [Value], _ wanted: [Value], _ live: [Value], _ rule: PatchRule)
        -> [Value]
    {
        func find(_ key: Value?, in list: [Value]) -> Value? { list.first { $0[rule.mergeKey] == key } }
        var keys: [Value] = []
        for element in wanted + live {
            if let key = element[rule.mergeKey], !keys.contains(key) { keys.append(key) }
        }
        return keys.compactMap {
            expected(
                last: find($0, in: last), wanted: find($0, in: wanted), live: find($0, in: live),
                at: rule.place)
        }
    }

    /// With merged lists sorted by key, and empty ones left out, so that values compare without their order.
    static func unordered(_ value: Value, at place: PatchPlace) -> Value {
        guard case .object(let fields) = value else { return value }
        var result = Value.emptyObject
        for (key, child) in fields {
            let rule = place.rule(for: key)
            if rule.mergesLists, case .array(let elements) = child {
                let sorted = elements.map { unordered($0, at: rule.place) }
                    .sorted {
                        ($0[rule.mergeKey]?.description ?? "") < ($1[rule.mergeKey]?.description ?? "")
                    }
                result[key] = sorted.isEmpty ? nil : .array(sorted)
            } else {
                result[key] = unordered(child, at: rule.place)
            }
        }
        return result
    }

    /// Whether the elements that are wanted stand in the wanted order.
    static func keepsOrder(of wanted: Value, in result: Value, at place: PatchPlace) -> Bool {
        (wanted.fields ?? Fields()).allSatisfy { key, list in
            let rule = place.rule(for: key)
            guard rule.mergesLists, case .array(let elements) = list else { return true }
            let names = elements.map { $0[rule.mergeKey] }
            let found = (result[key]?.array ?? []).map { $0[rule.mergeKey] }.filter { names.contains($0) }
            return found == names
        }
    }
}

extension [Value: Value] {
    /// An object whose keys are known only at run time.
    fileprivate var asObject: Value { .object(Fields(map { ($0.key.string ?? "", $0.value) })) }
}
