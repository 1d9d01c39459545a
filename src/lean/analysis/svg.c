/* svg.c - what both drawings use: plain shapes and system fonts, no script, a white ground of their
 * own.  Nothing of a record becomes markup. */
#include <math.h>
#include <string.h>

#include "lean/analysis/analysis_priv.h"

void analysis_svg_begin(struct buf *out, double width, double height)
{
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\" font-family=\"system-ui, -apple-system, 'Segoe UI', "
               "'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif\" "
               "font-size=\"12\">\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
               width, height, width, height);
}

static bool is_first(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Advance of the letter, as a share of the font size. */
static double advance(const char *at)
{
    unsigned char c = (unsigned char)*at;
    if (c >= 0xe3 && c < 0xf0) /* U+3000 on: square */
        return 1;
    if (c >= 0x80)
        return 0.62;
    if (strchr("iljtfr.,:;|!'()[] ", c))
        return 0.34;
    if (strchr("mwMW@%", c))
        return 0.88;
    return c >= 'A' && c <= 'Z' ? 0.68 : 0.57;
}

double analysis_svg_width(const char *text, double size)
{
    double width = 0;
    for (; *text; text++)
        if (is_first(*text))
            width += advance(text) * size;
    return width;
}

static void put_letter(struct buf *out, char c)
{
    if (c == '<')
        buf_add_str(out, "&lt;");
    else if (c == '>')
        buf_add_str(out, "&gt;");
    else if (c == '&')
        buf_add_str(out, "&amp;");
    else if (c == '"')
        buf_add_str(out, "&quot;");
    else if ((unsigned char)c >= 0x20 && c != 0x7f)
        buf_add(out, &c, 1);
}

/* Long names are cut in their middle: what tells them apart mostly stands at the end. */
void analysis_svg_text(struct buf *out, const char *text, double most, double size)
{
    double width = analysis_svg_width(text, size), gone = 0, so_far = 0;
    if (width <= most) {
        for (; *text; text++)
            put_letter(out, *text);
        return;
    }
    double head = (most - size) * 0.6, cut = width - (most - size);
    bool cutting = false, said = false;
    for (; *text; text++) {
        if (is_first(*text)) {
            double letter = advance(text) * size;
            cutting = so_far + letter > head && gone < cut;
            so_far += letter;
            gone += cutting ? letter : 0;
            if (cutting && !said) {
                buf_add_str(out, "…");
                said = true;
            }
        }
        if (!cutting)
            put_letter(out, *text);
    }
}

void analysis_svg_label(struct buf *out, double x, double y, const char *attributes,
                        const char *text, double most, double size)
{
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" %s>", x, y, size, attributes);
    analysis_svg_text(out, text, most, size);
    buf_add_str(out, "</text>\n");
}

void analysis_svg_seconds(struct buf *out, double seconds)
{
    if (!(seconds > 0))
        buf_add_str(out, "0 s");
    else if (seconds < 0.9995)
        buf_printf(out, "%.3g ms", seconds * 1000);
    else if (seconds < 119.95)
        buf_printf(out, "%.3g s", seconds);
    else if (seconds < 7199)
        buf_printf(out, "%.3g min", seconds / 60);
    else if (seconds < 172800)
        buf_printf(out, "%.3g h", seconds / 3600);
    else
        buf_printf(out, "%.4g d", seconds / 86400);
}

/* Round steps of one unit, so that there are five to ten of them. */
static double mark_of(double seconds, double *ret_unit, const char **ret_name)
{
    static const struct {
        double step, unit;
        const char *name;
    } marks[] = {
        {0.001, 0.001, "ms"}, {0.002, 0.001, "ms"}, {0.005, 0.001, "ms"}, {0.01, 0.001, "ms"},
        {0.02, 0.001, "ms"},  {0.05, 0.001, "ms"},  {0.1, 0.001, "ms"},   {0.2, 0.001, "ms"},
        {0.5, 1, "s"},        {1, 1, "s"},          {2, 1, "s"},          {5, 1, "s"},
        {10, 1, "s"},         {20, 1, "s"},         {30, 1, "s"},         {60, 60, "min"},
        {120, 60, "min"},     {300, 60, "min"},     {600, 60, "min"},     {1200, 60, "min"},
        {1800, 60, "min"},    {3600, 3600, "h"},    {7200, 3600, "h"},    {14400, 3600, "h"},
        {21600, 3600, "h"},   {43200, 3600, "h"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (seconds / marks[i].step <= 9) {
            *ret_unit = marks[i].unit;
            *ret_name = marks[i].name;
            return marks[i].step;
        }
    *ret_unit = 86400;
    *ret_name = "d";
    return 86400 * ceil(seconds / 86400 / 9);
}

void analysis_svg_axis(struct buf *out, double left, double width, double seconds, double top,
                       double bottom)
{
    double unit = 1, mark;
    const char *name = "s";
    if (!(seconds > 0))
        return;
    mark = mark_of(seconds, &unit, &name);
    for (int k = 0; (double)k * mark <= seconds * 1.0001; k++) {
        double x = left + (double)k * mark / seconds * width;
        buf_printf(out,
                   "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n"
                   "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\" text-anchor=\"middle\" "
                   "font-size=\"11\">%.6g%s%s</text>\n",
                   x, top, x, bottom, ANALYSIS_LINE, x, top - 6, ANALYSIS_GREY,
                   (double)k * mark / unit, " ", name);
    }
}
