import Testing

@testable import APIMachinery

@Suite struct FieldErrorTests {
    @Test(arguments: [
        (FieldError.required("spec.x"), "spec.x: Required value"),
        (.required("spec.x", "say why"), "spec.x: Required value: say why"),
        (.invalid("a", value: "B", "must be small"), #"a: Invalid value: "B": must be small"#),
        (.invalid("a", value: -1, "must be positive"), "a: Invalid value: -1: must be positive"),
        (.notSupported("t", value: "z", supported: ["a", "b"]), #"t: Unsupported value: "z": supported values: "a", "b""#),
        (.duplicate("c[1].name", value: "x"), #"c[1].name: Duplicate value: "x""#),
        (.forbidden("f", "no"), "f: Forbidden: no"),
        (.tooLong("f", limit: 63), "f: Too long: may not be more than 63 bytes"),
    ])
    func `an error reads as kubectl users know it`(error: FieldError, text: String) {
        #expect(error.description == text)
    }

    @Test func `errors make one 422 with a cause each`() {
        let kind = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        let status = Status.invalid(kind, "web", [.required("a"), .required("b")])
        #expect(status.message == #"Deployment.apps "web" is invalid: [a: Required value, b: Required value]"#)
        #expect(status.code == 422)
        #expect(status.details?.causes.map(\.field) == ["a", "b"])
        #expect(status.details?.causes.first?.reason == "FieldValueRequired")
        let round = Status(status.value)
        #expect(round == status)
    }

    @Test func `errors that quote much end after the first ones`() {
        let large = Value.string(String(repeating: "x", count: 300_000))
        let errors = (0..<100).map { FieldError.invalid("spec[\($0)]", value: large, "must be short") }
        let status = Status.invalid(GroupVersionKind(group: "", version: "v1", kind: "Pod"), "p", errors)
        #expect(status.details?.causes.count == 4)
        #expect(status.message.hasSuffix("must be short, and 96 more]"))
    }
}
