import API
import APIMachinery
import Client

extension ObjectFilter {
    /// Reads the selectors of a list or watch. Fails with 400 on what does not parse or what the resource cannot select.
    ///
    /// Objects of a `remote` kind get their fields from a server outside: what is asked of these goes into
    /// ``matchesShown``.
    init(
        _ definition: ResourceDefinition, namespace: String, labelSelector: String, fieldSelector: String,
        isRemote: Bool = false
    ) throws(Status) {
        let labels: LabelSelector
        var fields: FieldSelector
        do throws(SelectorError) {
            labels = try LabelSelector(labelSelector)
            fields = try FieldSelector(fieldSelector)
        } catch {
            throw .badRequest(error.description)
        }
        self.init(namespace: namespace.isEmpty ? nil : namespace)
        for term in fields.terms where !definition.selects(term.field) {
            throw .badRequest(definition.refusal(of: term.field))
        }
        // The name alone finds its object without a look at the others.
        if let term = fields.terms.first(where: { $0.field == "metadata.name" && !$0.isNegated }) { name = term.value }
        fields.terms.removeAll { $0.field == "metadata.name" && !$0.isNegated && $0.value == name }
        if !labels.matchesEverything { matches = { labels.matches($0.labels) } }
        let terms = fields.terms.map { term in
            Term(
                field: term.field, value: term.value, isNegated: term.isNegated,
                read: SelectableField.reader(term.field, of: definition.resource))
        }
        if !isRemote {
            self.fields = terms
        } else if !terms.isEmpty {
            matchesShown = { object in terms.allSatisfy { $0.holds(of: object) } }
        }
    }
}

extension FieldSelector {
    /// The one name that a selector's text picks: its list or watch is decided upon as that object (Kubernetes
    /// documentation, "Referring to resources").
    ///
    /// `nil` also for a text that does not parse: it is refused where it is read for its selection. Called for every
    /// list and watch.
    static func name(in text: String) -> String? {
        guard text.contains("metadata.name"), let selector = try? FieldSelector(text),
            let name = selector.exactValue(of: "metadata.name"), NameRule.pathSegment.problems(in: name).isEmpty
        else { return nil }
        return name
    }
}

extension ResourceDefinition {
    /// As Kubernetes says it of built-in kinds that have no fields of their own to select by, and of the others.
    fileprivate func refusal(of field: String) -> String {
        hasProtobuf && fieldSelectors.allSatisfy { $0.hasPrefix("metadata.") }
            ? #"\#(GoText.quoted(field)) is not a known field selector: only "metadata.name", "metadata.namespace""#
            : "field label not supported: \(field)"
    }

    fileprivate func selects(_ field: String) -> Bool {
        field == "metadata.name" || (field == "metadata.namespace" && isNamespaced) || fieldSelectors.contains(field)
    }
}

extension StoredObject {
    /// The text of a field that selectors may name; empty when it is absent. Numbers and flags as they print.
    func field(_ path: String) -> String {
        switch path {
        case "metadata.name": return name
        case "metadata.namespace": return namespace
        default: break
        }
        var cursor = JSONCursor(bytes)
        do throws(JSONError) {
            for part in path.split(separator: ".") {
                guard cursor.enterObject(), try cursor.skip(toField: String(part)) else { return "" }
            }
            let value = try cursor.readValue()
            return value.string ?? (value.isNull ? "" : value.description)
        } catch {
            preconditionFailure("a stored object is canonical JSON by construction: \(error)")
        }
    }
}
