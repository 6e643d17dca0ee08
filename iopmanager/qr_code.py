"""A QR code as the path of an SVG picture, made without any request to another server."""

from dataclasses import dataclass

from reportlab.graphics.barcode import qrencoder

QUIET_ZONE = 4
"""Width of the white margin that the standard requires, in modules."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """The black modules of a QR code: `path` for an SVG whose view box is `size` by `size`."""

    size: int
    path: str


def draw_qr_code(text: str) -> QrCode:
    """Return the QR code of the text, with its quiet zone. It can be read even if a tenth is damaged or covered (level M)."""
    code = qrencoder.QRCode(None, qrencoder.QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    number = code.getModuleCount()  # type: ignore[no-untyped-call]
    dark = (
        f"M{column + QUIET_ZONE} {row + QUIET_ZONE}h1v1h-1z"
        for row in range(number)
        for column in range(number)
        if code.isDark(row, column)  # type: ignore[no-untyped-call]
    )
    return QrCode(number + 2 * QUIET_ZONE, "".join(dark))
