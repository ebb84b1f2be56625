import APIMachinery
import Testing

@testable import API

/// Cases of a text in which each is a few lines: what is changed of the least object of a kind, then what is said to be
/// wrong with it.
///
///     services
///       spec.ports.0.port = 0
///       ! spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive
///
/// `update` before a change makes the case one of replacing the least object (with the `before` changes) by another:
/// then what is wrong is wrong with the change. `=` and nothing behind it takes a field away.
struct Wrong: Sendable, CustomTestStringConvertible {
    enum Moment { case creation, update }

    var resource: String
    var changes: [(path: [String], value: Value?)] = []
    var before: [(path: [String], value: Value?)] = []
    var moment = Moment.creation
    var errors: [String] = []

    var testDescription: String {
        resource + " " + changes.map { $0.path.joined(separator: ".") }.joined(separator: ", ")
    }

    static func cases(_ text: String) -> [Wrong] {
        var (cases, resource): ([Wrong], String) = ([], "")
        for line in text.split(separator: "\n") where !line.allSatisfy({ $0 == " " }) {
            guard line.hasPrefix("  ") else {
                resource = String(line)
                continue
            }
            let line = line.dropFirst(2)
            if line.hasPrefix("! ") {
                cases[cases.count - 1].errors.append(String(line.dropFirst(2)))
                continue
            }
            if cases.last.map({ !$0.errors.isEmpty || $0.resource != resource }) ?? true {
                cases.append(Wrong(resource: resource))
            }
            cases[cases.count - 1].read(line)
        }
        return cases
    }

    private mutating func read(_ line: Substring) {
        let parts = line.split(separator: " =", maxSplits: 1, omittingEmptySubsequences: false)
        let words = parts[0].split(separator: " ")
        let path = (words.last ?? "").split(separator: "/").map(String.init)
        let steps = path.count > 1 ? path : (words.last ?? "").split(separator: ".").map(String.init)
        let json = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
        let value = json.isEmpty ? nil : try? Value(json: Array(json.utf8))
        precondition(json.isEmpty || value != nil, "no JSON: \(line)")
        if words.first == "update" { moment = .update }
        if words.first == "before" {
            moment = .update
            before.append((steps, value))
        } else {
            changes.append((steps, value))
        }
    }

    /// Without the differences that some messages end with.
    private static func lines(_ errors: [FieldError]) -> [String] {
        errors.map { String($0.description.prefix { $0 != "\n" }) }
    }

    /// What the rules say, a line each.
    func found(_ least: [String: Value]) throws -> [String] {
        let start = try #require(least[resource], "\(resource)")
        let kind = GroupVersionKind(
            apiVersion: start["apiVersion"]?.string ?? "", kind: start["kind"]?.string ?? "")
        let definition = try #require(BuiltinResources.shared.definition(of: kind))
        func made(_ changes: [(path: [String], value: Value?)]) throws -> Value {
            var object = start
            for change in changes { object = object.setting(change.path[...], to: change.value) }
            return try complete(object, definition)
        }
        switch moment {
        case .creation:
            let object = try made(changes)
            let errors = BuiltinValidation.validate(object, as: definition)
            return Self.lines(errors + BuiltinValidation.validateCreate(object, as: definition))
        case .update:
            return Self.lines(
                BuiltinValidation.validateUpdate(
                    try made(before + changes), over: try made(before), as: definition))
        }
    }
}

/// An object as the server has it when it validates it: decoded by its table, defaults filled in.
func complete(_ object: Value, _ definition: ResourceDefinition) throws -> Value {
    let type = try #require(definition.type)
    var object = try type.decode(object)
    BuiltinDefaults.shared.apply(to: &object, as: type)
    return object
}

extension Value {
    /// With something else at a path, whose steps are keys and positions; a position at the end appends.
    fileprivate func setting(_ path: ArraySlice<String>, to value: Value?) -> Value {
        guard let step = path.first else { return value ?? .null }
        let rest = path.dropFirst()
        if case .array(var items) = self, let index = Int(step) {
            if let value, index == items.count {
                items.append(Value.emptyObject.setting(rest, to: value))
            } else if value == nil, rest.isEmpty {
                items.remove(at: index)
            } else {
                items[index] = items[index].setting(rest, to: value)
            }
            return .array(items)
        }
        var object = fields == nil ? Value.emptyObject : self
        let present = object[step] ?? (rest.first == "0" ? .array([]) : .emptyObject)
        object[step] = rest.isEmpty ? value : present.setting(rest, to: value)
        return object
    }
}
