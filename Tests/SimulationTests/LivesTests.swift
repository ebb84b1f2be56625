import Testing

@Suite(.serialized) struct LivesTests {
    @Test func `a seed is the same history in each process, and another seed another one`() throws {
        func history(_ seed: Int) throws -> String {
            let (text, status) = try Program.run(Program.debug, "--seed", "\(seed)", "--operations", "12")
            #expect(status == 0, "\(text)")
            return text.split(separator: "\n").first.map(String.init) ?? ""
        }
        let (first, again, other) = (try history(3), try history(3), try history(4))
        #expect(first.contains("trace"))
        #expect(first == again)
        #expect(first.drop { $0 != ":" } != other.drop { $0 != ":" })
    }

    /// A thousand short lives where `make test` has made an optimised build; `make simulate` lives longer ones.
    @Test func `whatever goes wrong, clusters become what was asked for`() throws {
        let (program, seeds) = Program.release.map { ($0, "1-1000") } ?? (Program.debug, "1-6")
        let (text, status) = try Program.run(program, "--seeds", seeds, "--operations", "15")
        #expect(status == 0, "\(text.suffix(8000))")
    }
}
