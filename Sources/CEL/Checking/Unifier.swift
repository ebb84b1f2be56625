/// Finds out what unknown types must be, from what is assigned to what (CEL specification, "Gradual Type Checking").
struct Unifier {
    /// What is known of the unknown types, by their number.
    private var found: [CELType?] = []

    mutating func fresh() -> CELType {
        found.append(nil)
        return .unknown(found.count - 1)
    }

    /// Numbers for the unknown types of a signature, which begin at the returned one.
    mutating func fresh(_ count: Int) -> Int {
        defer { found += Array(repeating: nil, count: count) }
        return found.count
    }

    /// `type` with all that is known put in. What stays unknown is `dyn`, if asked for.
    func resolve(_ type: CELType, unknownIsDyn: Bool = false) -> CELType {
        switch type {
        case .unknown(let number):
            if let known = found[number] { return resolve(known, unknownIsDyn: unknownIsDyn) }
            return unknownIsDyn ? .dyn : type
        case .list(let element): return .list(resolve(element, unknownIsDyn: unknownIsDyn))
        case .optional(let wrapped): return .optional(resolve(wrapped, unknownIsDyn: unknownIsDyn))
        case .map(let key, let value):
            return .map(resolve(key, unknownIsDyn: unknownIsDyn), resolve(value, unknownIsDyn: unknownIsDyn))
        default: return type
        }
    }

    /// Maps of maps double with each step: types that no person writes, and that take for ever to compare.
    func isTooLarge(_ type: CELType) -> Bool {
        var left = 200
        count(type, &left)
        return left <= 0
    }

    private func count(_ type: CELType, _ left: inout Int) {
        left -= 1
        guard left > 0 else { return }
        switch type {
        case .unknown(let number): if let known = found[number] { count(known, &left) }
        case .list(let part), .optional(let part): count(part, &left)
        case .map(let key, let value):
            count(key, &left)
            count(value, &left)
        default: break
        }
    }

    /// Whether each value can be where its parameter is. Remembers what that needs only when all can.
    mutating func assign(_ values: [CELType], to parameters: [CELType]) -> Bool {
        let before = found
        for (value, parameter) in zip(values, parameters) where !isAssignable(value, to: parameter) {
            found = before
            return false
        }
        return true
    }

    mutating func assign(_ value: CELType, to parameter: CELType) -> Bool { assign([value], to: [parameter]) }

    private mutating func isAssignable(_ value: CELType, to target: CELType) -> Bool {
        if case .unknown(let number) = target {
            let (fits, isKnown) = substitute(number, by: value)
            if fits || isKnown { return fits }
        }
        if case .unknown(let number) = value { return substitute(number, by: target).fits }
        switch (value, target) {
        case (.dyn, _), (_, .dyn): return true
        case (.null, let other), (let other, .null): return other.isNullable
        case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)): return isAssignable(a, to: b)
        case (.map(let aKey, let aValue), .map(let bKey, let bValue)):
            return isAssignable(aKey, to: bKey) && isAssignable(aValue, to: bValue)
        default: return value == target
        }
    }

    /// Takes `type` for an unknown one, or what is more general of it and what was taken before.
    private mutating func substitute(_ number: Int, by type: CELType) -> (fits: Bool, isKnown: Bool) {
        if type == .unknown(number) { return (true, true) }
        if let known = found[number] {
            if known == type { return (true, true) }
            guard isAssignable(type, to: known) else { return (false, true) }
            let general = resolve(type).isAtLeastAsGeneral(as: resolve(known)) ? type : known
            if !mentions(number, in: general) { found[number] = general }
            return (true, true)
        }
        guard !mentions(number, in: type) else { return (false, false) }
        found[number] = type
        return (true, false)
    }

    private func mentions(_ number: Int, in type: CELType) -> Bool {
        switch type {
        case .unknown(let other):
            if other == number { return true }
            return found[other].map { mentions(number, in: $0) } ?? false
        case .list(let part), .optional(let part): return mentions(number, in: part)
        case .map(let key, let value): return mentions(number, in: key) || mentions(number, in: value)
        default: return false
        }
    }
}

extension CELType {
    /// Whether `null` can be where this type is.
    fileprivate var isNullable: Bool {
        switch self {
        case .null, .object, .named, .opaque, .optional, .timestamp, .duration, .dyn: true
        default: false
        }
    }

    /// Whether every value of `other` is one of this type too.
    fileprivate func isAtLeastAsGeneral(as other: CELType) -> Bool {
        switch (self, other) {
        case (.dyn, _), (.unknown, _): true
        case (_, .null): self != .null
        case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)): a.isAtLeastAsGeneral(as: b)
        case (.map(let aKey, let aValue), .map(let bKey, let bValue)):
            aKey.isAtLeastAsGeneral(as: bKey) && aValue.isAtLeastAsGeneral(as: bValue)
        default: false
        }
    }

    /// With the unknown types of a signature numbered from `base`.
    func numbered(from base: Int) -> CELType {
        switch self {
        case .unknown(let number): .unknown(base + number)
        case .list(let element): .list(element.numbered(from: base))
        case .optional(let wrapped): .optional(wrapped.numbered(from: base))
        case .map(let key, let value): .map(key.numbered(from: base), value.numbered(from: base))
        default: self
        }
    }
}
