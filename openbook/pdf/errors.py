"""One kind of error for everything that keeps a PDF from being made, written for the person at the keyboard."""

APT_LINE = (
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk "
    "fonts-jetbrains-mono fonts-lxgw-wenkai fonts-katex libjs-katex"
)


class PdfError(Exception):
    """Say what is wrong, where, and how to mend it."""

    def __init__(self, what: str, where: str = "", mend: str = ""):
        super().__init__(what, where, mend)
        self.what, self.where, self.mend = what, where, mend

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.mend:
            lines.append(f"  mend:  {self.mend}")
        return "\n".join(lines)
