import API
import APIMachinery

/// The label that tells the pods of one template from those of another.
enum TemplateHash {
    static let label = "pod-template-hash"

    /// FNV-1a of the template's canonical JSON: the same template has the same hash on every machine, for
    /// ever. `collisions` makes another hash when the first one's name is taken.
    static func of(_ template: PodTemplateSpec, collisions: Int) -> String {
        of(template.value, collisions: collisions)
    }

    static func of(_ value: Value, collisions: Int) -> String {
        var hash: UInt32 = 2_166_136_261
        var bytes = value.json
        if collisions > 0 { bytes += String(collisions).utf8 }
        for byte in bytes {
            hash ^= UInt32(byte)
            hash = hash &* 16_777_619
        }
        return GeneratedName.encode(hash)
    }

    /// How many collisions there were after one more, of a status that anybody may have written.
    static func collisions(after count: Int?) -> Int {
        let count = count ?? 0
        return (0..<Int(Int32.max)).contains(count) ? count + 1 : 0
    }

    /// Whether two templates are the same but for the label.
    static func isSame(_ a: PodTemplateSpec, _ b: PodTemplateSpec) -> Bool { plain(a) == plain(b) }

    private static func plain(_ template: PodTemplateSpec) -> Value {
        var plain = template
        plain.metadata.labels[label] = nil
        plain.value[path: ["metadata", "creationTimestamp"]] = nil
        return plain.value
    }
}
