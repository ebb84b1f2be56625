import APIMachinery
import Support

// Requests for certificates, and who signs them.
extension FieldChecks {
    mutating func certificateRequest(_ request: Value) {
        let spec = request["spec"]
        require(spec["usages"], "spec.usages", "usages must be provided")
        if !Self.isCertificateRequest(spec["request"]) {
            invalid("spec.request", spec["request"], "PEM block type must be CERTIFICATE REQUEST")
        }
        if spec["signerName"].text == "kubernetes.io/legacy-unknown" {
            invalid("spec.signerName", spec["signerName"], "the legacy signerName is not allowed via this API version")
        } else if require(spec["signerName"], "spec.signerName") {
            signerName(spec["signerName"].text, "spec.signerName")
        }
        if let seconds = spec["expirationSeconds"]?.integer, seconds < 600 {
            invalid("spec.expirationSeconds", spec["expirationSeconds"], "may not specify a duration less than 600 seconds (10 minutes)")
        }
        var usages: Set<Value> = []
        for (usage, path) in spec["usages"].elements("spec.usages") where !usages.insert(usage).inserted {
            duplicate(path, usage)
        }
        certificateConditions(request.at("status", "conditions"))
    }

    /// Whether this is a block of PEM of the right kind; what is in it, the signer reads.
    private static func isCertificateRequest(_ value: Value?) -> Bool {
        guard let bytes = Base64.decode(value.text) else { return false }
        return String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE REQUEST-----")
    }

    private mutating func certificateConditions(_ conditions: Value?) {
        var seen: Set<String> = []
        var decided: String?
        for (condition, path) in conditions.elements("status.conditions") {
            let (type, status) = (condition["type"].text, condition["status"])
            if type.isEmpty { missing(path + ".type") }
            switch type {
            case "Approved", "Denied", "Failed":
                if status.text.isEmpty {
                    missing(path + ".status")
                } else if status.text != "True" {
                    unsupported(path + ".status", status, ["True"])
                }
            default: oneOf(status ?? "", ["True", "False", "Unknown"], path + ".status")
            }
            if type == "Approved" || type == "Denied" {
                if let decided, decided != type {
                    invalid(path + ".type", .string(type), "Approved and Denied conditions are mutually exclusive")
                }
                decided = type
            }
            if !seen.insert(type).inserted { duplicate(path + ".type", .string(type)) }
        }
    }

    /// A decision is for good; so is a certificate that was given out.
    mutating func certificateRequestUpdate(_ new: Value, _ old: Value) {
        immutable(new["spec"], old["spec"], "spec")
        let (certificate, before) = (new.at("status", "certificate"), old.at("status", "certificate"))
        if before.isFilled, certificate != before { immutable(certificate ?? "", before, "status.certificate") }
        let conditions = new.at("status", "conditions").items
        for kind in ["Approved", "Denied", "Failed"] {
            guard let earlier = old.at("status", "conditions").items.first(where: { $0["type"].text == kind })
            else { continue }
            let now = conditions.first { $0["type"].text == kind }
            if now == nil {
                forbid("status.conditions", "updates may not remove a condition of type \"\(kind)\"")
            } else if kind != "Failed", now?["status"] != earlier["status"] {
                forbid("status.conditions", "updates may not change a condition of type \"\(kind)\"")
            }
        }
        if certificate.isFilled, before != certificate { issued(certificate) }
    }

    /// Certificates in PEM, and nothing else.
    private mutating func issued(_ certificate: Value?) {
        let text = String(decoding: Base64.decode(certificate.text) ?? [], as: UTF8.self)
        if !text.contains("-----BEGIN ") {
            invalid("status.certificate", "<certificate data>", "must contain at least one CERTIFICATE PEM block")
        } else if text.split(separator: "\n").contains(where: { $0.hasPrefix("-----BEGIN ") && !$0.hasPrefix("-----BEGIN CERTIFICATE-----") }) {
            invalid("status.certificate", "<certificate data>", "only CERTIFICATE PEM blocks are allowed")
        }
    }

    // MARK: - Signers

    private static let signerForm = "must be a fully qualified domain and path of the form 'example.com/signer-name'"

    /// The name of a signer: a domain, and a path below it.
    mutating func signerName(_ text: String, _ path: @autoclosure () -> String) {
        guard !text.isEmpty else { return }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return invalid(path(), .string(text), Self.signerForm) }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            for problem in NameRule.dns1123Label.problems(in: String(label)) {
                invalid(path(), .string(String(parts[0])), "validating label \"\(label)\": \(problem)")
            }
        }
        if labels.count < 2 {
            let why = "should be a domain with at least two segments separated by dots"
            invalid(path(), .string(String(parts[0])), why)
        }
        for segment in parts[1].split(separator: ".", omittingEmptySubsequences: false) {
            for problem in NameRule.dns1123Subdomain.problems(in: String(segment)) {
                invalid(path(), .string(String(parts[1])), "validating label \"\(segment)\": \(problem)")
            }
        }
        if text.utf8.count > 571 { add(.tooLong(path(), limit: 571)) }
    }
}
