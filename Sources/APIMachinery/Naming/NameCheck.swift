/// One check of one text: collects what is wrong with it.
struct NameCheck {
    let bytes: [UInt8]
    private(set) var problems: [String] = []

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func run(_ rule: NameRule) {
        switch rule {
        case .dns1123Label: checkDNS1123Label()
        case .dns1123Subdomain: checkDNS1123Subdomain()
        case .wildcardDNS1123Subdomain: checkWildcard()
        case .dns1035Label: checkDNS1035Label()
        case .fullyQualifiedDomainName: checkFullyQualifiedDomainName()
        case .qualifiedName: checkQualifiedName()
        case .labelValue: checkLabelValue()
        case .cIdentifier: expect(.cIdentifier, .cIdentifier)
        case .environmentVariable:
            expect(.environmentVariable, .environmentVariable)
            refuseDirectories()
        case .relaxedEnvironmentVariable: checkRelaxedEnvironmentVariable()
        case .configMapKey:
            limit(253)
            expect(.configMapKey, .configMapKey)
            refuseDirectories()
        case .portName: checkPortName()
        case .pathSegment: checkPathSegment()
        case .percent:
            let isPercent = bytes.last == UInt8(ascii: "%") && WordShape.digits.matches(bytes.dropLast())
            if !isPercent { problems.append(NameShape.percent.problem) }
        case .httpHeaderName: expect(.httpHeaderName, .httpHeaderName)
        }
    }

    // MARK: - Domain names

    private mutating func checkDNS1123Label() {
        limit(63)
        guard !WordShape.dns1123Label.matches(bytes) else { return }
        problems.append(isSubdomain(bytes[...]) ? "must not contain dots" : NameShape.dns1123Label.problem)
    }

    private mutating func checkDNS1123Subdomain() {
        limit(253)
        if !isSubdomain(bytes[...]) { problems.append(NameShape.dns1123Subdomain.problem) }
    }

    private mutating func checkWildcard() {
        limit(253)
        let isWildcard = bytes.starts(with: "*.".utf8) && isSubdomain(bytes.dropFirst(2))
        if !isWildcard { problems.append(NameShape.wildcard.problem) }
    }

    private mutating func checkDNS1035Label() {
        limit(63)
        expect(.dns1035Label, .dns1035Label)
    }

    private mutating func checkFullyQualifiedDomainName() {
        guard !bytes.isEmpty else { return problems.append(NameProblem.empty) }
        let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...]
        var subdomain = NameCheck(bytes: Array(name))
        subdomain.run(.dns1123Subdomain)
        problems += subdomain.problems
        guard problems.isEmpty else { return }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count < 2 {
            problems.append("should be a domain with at least two segments separated by dots")
        }
        for label in labels where label.count > 63 {
            problems.append(
                "label \(GoText.quoted(String(decoding: label, as: UTF8.self))) "
                    + NameProblem.tooLong(63))
        }
    }

    private func isSubdomain(_ text: ArraySlice<UInt8>) -> Bool {
        text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { WordShape.dns1123Label.matches($0) }
    }

    // MARK: - Keys and values of labels

    private mutating func checkQualifiedName() {
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last else {
            let shape = NameShape.qualifiedName.problem
            problems.append(
                "a qualified name \(shape) with an optional DNS subdomain prefix and '/' "
                    + "(e.g. 'example.com/MyName')")
            return
        }
        if parts.count == 2 {
            var prefix = NameCheck(bytes: Array(parts[0]))
            if prefix.bytes.isEmpty {
                prefix.problems = [NameProblem.empty]
            } else {
                prefix.run(.dns1123Subdomain)
            }
            problems += prefix.problems.map { "prefix part \($0)" }
        }
        if name.isEmpty { problems.append("name part \(NameProblem.empty)") }
        if name.count > 63 { problems.append("name part \(NameProblem.tooLong(63))") }
        if !WordShape.qualifiedName.matches(name) {
            problems.append("name part \(NameShape.qualifiedName.problem)")
        }
    }

    private mutating func checkLabelValue() {
        limit(63)
        if !bytes.isEmpty { expect(.qualifiedName, .labelValue) }
    }

    // MARK: - Environment variables, files, ports, paths

    private mutating func checkRelaxedEnvironmentVariable() {
        if bytes.isEmpty {
            problems.append("environment variable name \(NameProblem.empty)")
        } else if !WordShape.printableExceptEquals.matches(bytes) {
            problems.append(
                "a valid environment variable name must consist only of printable ASCII characters other than '='"
            )
        }
    }

    /// Keys become names of files: none may lead out of its folder.
    private mutating func refuseDirectories() {
        switch bytes {
        case Array(".".utf8): problems.append("must not be '.'")
        case Array("..".utf8): problems.append("must not be '..'")
        default: if bytes.starts(with: "..".utf8) { problems.append("must not start with '..'") }
        }
    }

    private mutating func checkPortName() {
        limit(15)
        if !WordShape.portName.matches(bytes) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: ByteSet.lowercase.contains) {
            problems.append("must contain at least one letter (a-z)")
        }
        let dash = UInt8(ascii: "-")
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == dash && $1 == dash }) {
            problems.append("must not contain consecutive hyphens")
        }
        if bytes.first == dash || bytes.last == dash {
            problems.append("must not begin or end with a hyphen")
        }
    }

    private mutating func checkPathSegment() {
        for name in [".", ".."] where bytes.elementsEqual(name.utf8) {
            problems.append("may not be '\(name)'")
            return
        }
        for mark in ["/", "%"] where bytes.contains(where: mark.utf8.contains) {
            problems.append("may not contain '\(mark)'")
        }
    }

    // MARK: - Pieces

    private mutating func limit(_ maximum: Int) {
        if bytes.count > maximum { problems.append(NameProblem.tooLong(maximum)) }
    }

    private mutating func expect(_ shape: WordShape, _ text: NameShape) {
        if !shape.matches(bytes) { problems.append(text.problem) }
    }
}
