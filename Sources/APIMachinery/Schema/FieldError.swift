/// One thing that is wrong with one field. Many of them make the 422 `Invalid` answer.
public struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of wrong; the raw value is the machine-readable reason.
    public enum Kind: String, Hashable, Sendable {
        case notFound = "FieldValueNotFound"
        case required = "FieldValueRequired"
        case duplicate = "FieldValueDuplicate"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case typeInvalid = "FieldValueTypeInvalid"
        case internalError = "InternalError"

        /// The words that begin the message.
        var title: String {
            switch self {
            case .notFound: "Not found"
            case .required: "Required value"
            case .duplicate: "Duplicate value"
            case .invalid, .typeInvalid: "Invalid value"
            case .notSupported: "Unsupported value"
            case .forbidden: "Forbidden"
            case .tooLong: "Too long"
            case .tooMany: "Too many"
            case .internalError: "Internal error"
            }
        }

        /// Whether the message quotes the value.
        var showsValue: Bool {
            switch self {
            case .required, .forbidden, .tooLong, .internalError: false
            default: true
            }
        }
    }

    public var kind: Kind
    /// Such as `spec.containers[0].name`.
    public var field: String
    public var value: Value
    public var detail: String
    /// Whether the message says no value although its kind usually does: the value is too large, or not one.
    public var omitsValue = false

    public init(_ kind: Kind, _ field: String, value: Value = .null, _ detail: String = "") {
        self.kind = kind
        self.field = field
        self.value = value
        self.detail = detail
    }

    public static func required(_ field: String, _ detail: String = "") -> FieldError {
        FieldError(.required, field, detail)
    }

    public static func invalid(_ field: String, value: Value, _ detail: String) -> FieldError {
        FieldError(.invalid, field, value: value, detail)
    }

    /// Wrong, without a value that could be shown.
    public static func invalid(_ field: String, _ detail: String) -> FieldError {
        var error = FieldError(.invalid, field, detail)
        error.omitsValue = true
        return error
    }

    public static func duplicate(_ field: String, value: Value) -> FieldError {
        FieldError(.duplicate, field, value: value)
    }

    public static func forbidden(_ field: String, _ detail: String) -> FieldError {
        FieldError(.forbidden, field, detail)
    }

    /// `supported` is printed in the order given.
    public static func notSupported(_ field: String, value: Value, supported: [String]) -> FieldError {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        return FieldError(.notSupported, field, value: value, supported.isEmpty ? "" : "supported values: " + list)
    }

    public static func tooLong(_ field: String, limit: Int) -> FieldError {
        FieldError(.tooLong, field, "may not be more than \(limit) bytes")
    }

    /// The message without the field, as a cause carries it.
    public var body: String {
        var text = kind.title
        if kind.showsValue, !omitsValue { text += ": \(value)" }
        return detail.isEmpty ? text : text + ": " + detail
    }

    public var description: String { field + ": " + body }
}

extension Status {
    /// In bytes: each error may quote all of a large object, and nobody reads on.
    private static let longestList = 1 << 20

    /// The 422 answer to an object that decodes but cannot be (API conventions, "Validation").
    public static func invalid(_ kind: GroupVersionKind, _ name: String, _ errors: [FieldError]) -> Status {
        var (texts, causes, size): ([String], [Cause], Int) = ([], [], 0)
        for error in errors {
            guard size < longestList else {
                texts.append("and \(errors.count - causes.count) more")
                break
            }
            let cause = Cause(reason: error.kind.rawValue, message: error.body, field: error.field)
            texts.append(cause.field + ": " + cause.message)
            size += cause.field.utf8.count + cause.message.utf8.count
            causes.append(cause)
        }
        let list = texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
        let qualified = kind.group.isEmpty ? kind.kind : kind.kind + "." + kind.group
        return Status(
            code: 422, reason: .invalid, message: "\(qualified) \"\(name)\" is invalid: \(list)",
            details: Details(name: name, group: kind.group, kind: kind.kind, causes: causes))
    }
}
