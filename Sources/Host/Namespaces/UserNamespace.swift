/// The user namespace of this process (user_namespaces(7)).
public enum UserNamespace {
    /// Whether ids are not what they are outside: what is not of a namespace cannot be changed from within,
    /// even by root.
    public static var isOwn: Bool { (try? Files.readText("/proc/self/uid_map")).map(isOwn(idMap:)) ?? false }

    /// Outside every id is itself.
    static func isOwn(idMap: String) -> Bool {
        !idMap.split(whereSeparator: \.isWhitespace).prefix(3).elementsEqual(["0", "0", "4294967295"])
    }
}
