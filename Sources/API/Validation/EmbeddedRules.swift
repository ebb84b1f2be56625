public import APIMachinery

extension BuiltinValidation {
    /// What is wrong with the names and the metadata of an object that stands at `path` inside of a custom one
    /// (`x-kubernetes-embedded-resource`): its version and kind must be there, its name may be absent.
    public static func validateEmbedded(_ object: Value, at path: String) -> [FieldError] {
        var checks = FieldChecks()
        for key in ["apiVersion", "kind"] {
            let place = "\(path).\(key)"
            switch object[key] {
            case nil, .string(""): checks.missing(place, "must not be empty")
            case .string(let text)? where key == "kind":
                let problems = NameRule.dns1035Label.problems(in: text.lowercased())
                if !problems.isEmpty {
                    let why = "may have mixed case, but should otherwise match: " + problems.joined(separator: ",")
                    checks.invalid(place, .string(text), why)
                }
            case .string(let text)?:
                if text.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 1 {
                    checks.invalid(place, .string(text), "unexpected GroupVersion string: " + text)
                }
            case let other: checks.invalid(place, other, "must be a string")
            }
        }
        guard let given = object["metadata"], let type = objectMetadata else { return checks.errors }
        var inner = FieldChecks()
        do throws(DecodingError) {
            let metadata = try type.decode(given)
            inner.metadata(
                metadata, .pathSegment, isNamespaced: !metadata["namespace"].text.isEmpty, takesPlainFinalizers: true)
        } catch {
            inner.invalid("metadata", given, error.description)
        }
        return checks.errors
            + inner.errors.map { error in
                var error = error
                error.field = "\(path).\(error.field)"
                return error
            }
    }

    private static var objectMetadata: TypeSchema? {
        BuiltinTypes.kubernetes.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    }

    /// What is wrong with how a webhook of conversion is reached, which stands at `path` (`clientConfig`).
    public static func validateWebhookClient(_ config: Value, at path: String) -> [FieldError] {
        var checks = FieldChecks()
        checks.webhookClient(config, path)
        return checks.errors
    }
}
